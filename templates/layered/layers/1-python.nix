# Python at /opt/python/bin, and the packages of nixpkgs for /opt/python/nixpkgs, unless packages.nix says
# that those of this Python are wheels.
#
# This is the plain interpreter, and packages are found by PYTHONPATH (image.nix): in an environment
# of `withPackages` pip believes itself in a virtualenv and tries to replace what is in the store.
{
  pkgs,
  variant,
  packages,
}:
let
  inherit (pkgs) lib;
  inherit (variant) python;

  hasPackages = !lib.elem variant.abi packages.interpreterAlone;
  environment = python.withPackages packages.nixpkgs;
  site = "${environment}/${python.sitePackages}";

  # what pip installs into the writable overlay has a higher place than all of these
  pip = pkgs.writeShellScript "pip" ''exec /opt/python/bin/python3 -m pip "$@"'';

  checked = ''
    if [ -e ${site}/torch ]; then
      echo 'A package of `nixpkgs` in packages.nix needs torch: the image would have a second one.' >&2
      echo 'Take its wheel instead: move it to a list that wheels.toml names.' >&2
      exit 1
    fi
  '';

  programs = pkgs.runCommand "layer1-python-${variant.name}" { } ''
    ${lib.optionalString hasPackages checked}
    mkdir -p "$out/bin"
    for name in python3 python python${python.pythonVersion}; do
      ln -s ${python}/bin/python3 "$out/bin/$name"
    done
    ${lib.optionalString hasPackages ''ln -s ${pip} "$out/bin/pip"''}
  '';
in
{
  targets = lib.optional hasPackages environment ++ [ programs ];
  folders = [
    {
      at = "/opt/python/bin";
      from = [ "${programs}/bin" ];
    }
  ]
  ++ lib.optional hasPackages {
    at = "/opt/python/nixpkgs";
    from = [ site ];
  };
}
