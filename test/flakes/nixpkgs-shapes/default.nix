# What `import nixpkgs { system; config; }` gives.
{
  system ? "x86_64-linux",
  config ? { },
  ...
}:
let
  files = [
    ./pkgs/stdenv
    ./pkgs/build-support/fetchers.nix
    ./pkgs/build-support/trivial-builders.nix
    ./pkgs/build-support/docker.nix
    ./pkgs/development/programs.nix
    ./pkgs/development/python.nix
    ./pkgs/development/cuda.nix
  ];
  pkgs = builtins.foldl' (before: file: before // import file pkgs) { inherit system config pkgs; } files;
in
pkgs
