# The stand-in for nixpkgs with packages that weigh as much as the real ones do, scaled down; and all of
# them as one target, to fill a binary cache with. The benchmark puts it here: ./stand-in, and ./generator,
# which stays as it was.
{
  outputs =
    { self }:
    let
      system = "x86_64-linux";
      pkgs = import ./. { inherit system; };
      inherit (pkgs) lib;

      derivationsIn =
        set: lib.filter (value: value.type or null == "derivation") (builtins.attrValues set);
      packages = lib.concatMap derivationsIn [
        pkgs
        pkgs.python313.pkgs
      ];
    in
    {
      legacyPackages.${system} = pkgs;
      packages.${system}.everything = pkgs.writeText "everything" (
        toString (map (package: "${package}") packages)
      );
    };
}
