# A stand-in for nixpkgs, for tests on machines that cannot reach it: the functions that this
# project's flakes use, by nixpkgs' names and arguments, and nothing else. It is no distribution.
{
  outputs =
    { self }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    in
    {
      lib = import ./lib.nix;

      legacyPackages = builtins.listToAttrs (
        map (system: {
          name = system;
          value = import ./default.nix { inherit system; };
        }) systems
      );
    };
}
