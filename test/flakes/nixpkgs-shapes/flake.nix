# Derivations with the names and attributes that nixpkgs gives them, for tests that evaluate flakes and
# build nothing: what the audit reads in derivations is here as it is there. It is no distribution.
{
  outputs =
    { self }:
    {
      legacyPackages.x86_64-linux = import ./default.nix { };
    };
}
