# Python and packages of it.
pkgs:
let
  versions = {
    aiohttp = "3.13.2";
    numpy = "2.3.4";
    pandas = "2.3.3";
    pillow = "12.0.0";
    pip = "25.3";
    pyyaml = "6.0.3";
    requests = "2.32.5";
    scipy = "1.16.3";
    tqdm = "4.67.1";
    urllib3 = "2.5.0";
    wheel-unpack-hook = "1.0";
  };
  needs = {
    pandas = [ "numpy" ];
    requests = [ "urllib3" ];
    scipy = [ "numpy" ];
  };

  python312 = pkgs.program "python3" "3.12.12" {
    name = "python3-3.12.12";
    buildInputs = [ pkgs.zlib ];
    passthru = {
      pkgs = packages;
      withPackages = choose: environment { extraLibs = choose packages; };
    };
  };

  environment = pkgs.makeOverridable (
    {
      buildEnv ? pkgs.olderBuildEnv,
      extraLibs ? [ ],
    }:
    buildEnv {
      name = "python3-3.12.12-env";
      paths = [ python312 ] ++ extraLibs;
    }
  );

  buildPythonPackage =
    {
      pname,
      version,
      dependencies ? [ ],
      ...
    }@arguments:
    pkgs.stdenv.mkDerivation (
      removeAttrs arguments [ "dependencies" ]
      // {
        name = "python3.12-${pname}-${version}";
        nativeBuildInputs = [ packages.wheel-unpack-hook ];
        propagatedBuildInputs = dependencies ++ [ python312 ];
      }
    );

  packages = builtins.foldl' (
    before: extension: before // extension packages before
  ) nixpkgsPackages pkgs.pythonPackagesExtensions;

  nixpkgsPackages =
    builtins.mapAttrs (
      pname: version:
      buildPythonPackage {
        inherit pname version;
        dependencies = map (name: packages.${name}) (needs.${pname} or [ ]);
        src = pkgs.fetchurl {
          url = "mirror://pypi/${pname}-${version}.tar.gz";
          hash = "sha256:${builtins.hashString "sha256" pname}";
        };
      }
    ) (removeAttrs versions [ "wheel-unpack-hook" ])
    // {
      inherit buildPythonPackage;
      wheel-unpack-hook = pkgs.runCommand "wheel-unpack-hook" { } "touch $out";
    };
in
{
  inherit python312;
  python312Packages = packages;
  pythonPackagesExtensions = [ ];
}
