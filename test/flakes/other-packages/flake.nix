# A flake with a package of its own, made with the nixpkgs that it is given.
{
  outputs =
    { self }:
    {
      lib.install-torch =
        pkgs:
        pkgs.stdenv.mkDerivation {
          pname = "install-torch";
          version = "1.0";
          buildCommand = "pip install --target $out torch";
        };
    };
}
