# Python: one real CPython, the machine's, whatever version is asked for, since tests have one. Its
# packages are modules of one line, except for those that `prepare` was given wheels of, which are real.
pkgs:
let
  inherit (pkgs) lib machineFile runCommand;
  inherit (pkgs.standIn) glibc libraries patchelf;

  pythonVersion = builtins.readFile ./machine/python-version;
  sitePackages = "lib/python${pythonVersion}/site-packages";

  interpreter = runCommand "python3-${pythonVersion}" {
    from = machineFile "python";
    nativeBuildInputs = [ patchelf ];
    meta.mainProgram = "python3";
  } ''
    cp -r "$from" "$out"
    chmod -R u+w "$out"
    for file in "$out"/bin/python* "$out"/lib/python*/lib-dynload/*.so; do
      patchelf --set-rpath "${libraries}/lib:${glibc}/lib" "$file"
    done
    patchelf --set-interpreter "${glibc}/lib/${pkgs.standIn.loader}" \
      "$out/bin/python${pythonVersion}"
    ln -s "python${pythonVersion}" "$out/bin/python3"
    ln -s "python${pythonVersion}" "$out/bin/python"
    mkdir -p "$out/${sitePackages}"
  '';

  # nixpkgs' names, by which a package of Python is known.
  package =
    pname: version: attributes:
    runCommand "python${pythonVersion}-${pname}-${version}" (
      attributes // { inherit pname version; }
    );

  module =
    name:
    let
      imported = builtins.replaceStrings [ "-" "." ] [ "_" "_" ] name;
    in
    package name "1.0" { } ''
      site=$out/${sitePackages}
      mkdir -p "$site/${imported}" "$site/${imported}-1.0.dist-info"
      echo '__version__ = "1.0"' > "$site/${imported}/__init__.py"
      printf 'Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n' "${name}" \
        > "$site/${imported}-1.0.dist-info/METADATA"
    '';

  # Wheels of the machine: file names, "typing_extensions-4.16.0-py3-none-any.whl".
  wheelFiles = builtins.attrNames (builtins.readDir ./machine/wheels);
  partsOf = builtins.match "([^-]*)-([^-]*)-.*";
  projectOf =
    file: lib.toLower (builtins.replaceStrings [ "_" "." ] [ "-" "-" ] (builtins.head (partsOf file)));

  fromWheel =
    file:
    package (projectOf file) (builtins.elemAt (partsOf file) 1)
      { wheel = machineFile "wheels/${file}"; }
      ''
        mkdir -p "$out/${sitePackages}"
        cd "$out/${sitePackages}"
        unzip -q "$wheel"
        ${lib.optionalString (projectOf file == "pip") ownCertificates}
      '';

  # Debian's pip reads the certificates of the machine when it starts, which a build cannot see; it has
  # those of its authors beside it, and takes them, as nixpkgs' does.
  ownCertificates = ''
    if [ -e pip/_vendor/certifi/core.py ]; then
      sed -i "s|^DEBIAN_CA_CERTS_PATH = .*|DEBIAN_CA_CERTS_PATH = __file__[:-len('core.py')] + 'cacert.pem'|" \
        pip/_vendor/certifi/core.py
    fi
  '';

  real = builtins.listToAttrs (
    map (file: lib.nameValuePair (projectOf file) (fromWheel file)) wheelFiles
  );
  packages = lib.genAttrs (import ./python-packages.nix) module // real;

  # What real packages need of each other is what else there are wheels of.
  propagated = builtins.attrValues (builtins.removeAttrs real [ "pip" "setuptools" ]);

  # Folders of packages merged; as in nixpkgs, bin/python3 finds the packages.
  environment =
    chosen:
    pkgs.symlinkJoin {
      name = "python3-${pythonVersion}-env";
      paths = lib.unique (chosen ++ propagated);
      postBuild = ''
        mkdir -p "$out/bin" "$out/${sitePackages}"
        {
          echo "#!${pkgs.runtimeShell}"
          echo "export PYTHONPATH=$out/${sitePackages}\''${PYTHONPATH:+:\$PYTHONPATH}"
          echo "exec ${interpreter}/bin/python3 \"\$@\""
        } > "$out/bin/python3"
        chmod +x "$out/bin/python3"
      '';
    };

  python = interpreter // {
    inherit pythonVersion sitePackages;
    version = "${pythonVersion}.0";
    pkgs = packages // {
      requiredPythonModules = chosen: lib.unique (chosen ++ propagated);
    };
    withPackages = choose: environment (choose packages);
  };
in
{
  python3 = python;
  python312 = python;
  python313 = python;
  python314 = python;
  python3Packages = packages;
}
