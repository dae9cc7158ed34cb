# Python: one real CPython, the machine's, whatever version is asked for, since tests have one. Its
# packages are modules of one line, except for pip and setuptools, which are real.
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

  fromWheel =
    name: afterwards:
    let
      wheels = machineFile "wheels";
      isIts = file: lib.hasPrefix "${name}-" file;
      file = builtins.head (builtins.filter isIts (builtins.attrNames (builtins.readDir wheels)));
      version = builtins.head (builtins.match "[^-]*-([^-]*)-.*" file);
    in
    package name version { inherit wheels; } ''
      mkdir -p "$out/${sitePackages}"
      cd "$out/${sitePackages}"
      unzip -q "$wheels"/${name}-*.whl
      ${afterwards}
    '';

  packages = lib.genAttrs (import ./python-packages.nix) module // {
    # Debian's reads the certificates of the machine when it starts, which a build cannot see; it has
    # those of its authors beside it, and takes them, as nixpkgs' does.
    pip = fromWheel "pip" ''
      sed -i "s|^DEBIAN_CA_CERTS_PATH = .*|DEBIAN_CA_CERTS_PATH = __file__[:-len('core.py')] + 'cacert.pem'|" \
        pip/_vendor/certifi/core.py
    '';
    setuptools = fromWheel "setuptools" "";
  };

  # Folders of packages merged; as in nixpkgs, bin/python3 finds the packages.
  environment =
    chosen:
    pkgs.symlinkJoin {
      name = "python3-${pythonVersion}-env";
      paths = chosen;
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
    pkgs = packages;
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
