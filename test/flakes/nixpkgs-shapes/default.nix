# What `import nixpkgs { system; config; }` gives.
{
  system ? "x86_64-linux",
  config ? { },
  overlays ? [ ],
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
  packages = builtins.foldl' (before: file: before // import file pkgs) { inherit system config pkgs; } files;
  pkgs = builtins.foldl' (before: overlay: before // overlay pkgs before) packages overlays;
in
pkgs
