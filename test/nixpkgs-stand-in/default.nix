# What `import nixpkgs { system; config; }` gives. Unfree packages are refused as nixpkgs does it:
# where `config` does not allow them, evaluating their derivation fails.
{
  system ? builtins.currentSystem,
  config ? { },
  overlays ? [ ],
}:
let
  lib = import ./lib.nix;

  # Each file adds its attributes to those of the files before it.
  files = [
    ./stdenv.nix
    ./builders.nix
    ./fetchers.nix
    ./packages.nix
    ./python.nix
    ./cuda.nix
    ./docker.nix
  ];

  base = final: {
    inherit
      lib
      system
      config
      ;
    pkgs = final;
  };

  add = final: before: file: before // file final;

  all = lib.fix (
    final:
    let
      own = builtins.foldl' (add final) (base final) (map import files);
    in
    builtins.foldl' (before: overlay: before // overlay final before) own overlays
  );
in
all
