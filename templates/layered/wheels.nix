# Wheels of wheels.lock.json: downloaded as fixed-output derivations, unpacked by plain ones.
# Nothing asks an index, nothing resolves versions.
{ pkgs, variant }:
let
  inherit (pkgs) lib;

  # The wheels of a list of packages.nix that this variant has, or why it cannot be built.
  chosen =
    { required, optional }:
    map (name: variant.wheels.${name} or (missing name) // { inherit name; }) (
      required ++ lib.filter (name: variant.wheels ? ${name}) optional
    );

  missing =
    name:
    throw ''
      ${variant.name} cannot be built: wheels.lock.json has no wheel of "${name}"
      for ${variant.system}, ${variant.cuda}, ${variant.abi}.
      Look for it with comfy-nix prefetch (wheels.toml says what is wanted), or build
      another variant: nix flake show.'';

  # Store paths may not hold "%"; "+cu130" is what the address means.
  fileName = url: lib.replaceStrings [ "%2B" "%2b" ] [ "+" "+" ] (baseNameOf url);

  download =
    wheel:
    pkgs.fetchurl {
      inherit (wheel) url hash;
      name = fileName wheel.url;
    };

  # One wheel as the tree that `pip install --target` would make of it, for PYTHONPATH; what goes where
  # is a rule of comfy-nix (its docs/wheel-trees.md). Where the lock has the tree's hash (`unpacked`,
  # by comfy-nix prefetch --unpacked) it is fetched and unpacked in one step, and its path depends on
  # its content and name alone: a new nixpkgs makes no new one. Without the hash a plain derivation
  # unpacks the download.
  tree =
    wheel:
    let
      name = lib.replaceStrings [ "!" ] [ "-" ] "${wheel.name}-${wheel.version}";
      nativeBuildInputs = [ pkgs.python3 ];
      # the script compares the wheel's own hash first
      unpackWheel = file: ''python3 ${./unpack-wheel.py} ${file} "$out" ${wheel.hash}'';
    in
    if wheel ? unpacked then
      pkgs.fetchurl {
        inherit name nativeBuildInputs;
        inherit (wheel) url;
        hash = wheel.unpacked;
        recursiveHash = true;
        downloadToTemp = true;
        postFetch = unpackWheel ''"$downloadedFile"'';
      }
    else
      pkgs.runCommand name { inherit nativeBuildInputs; } (unpackWheel (download wheel));

  # One wheel as a folder for PYTHONPATH. The CUDA libraries that it wants from pip's nvidia-*
  # packages are nixpkgs': the search path of its libraries is set to them, and the requirement is
  # struck from its metadata, so that a later `pip install` does not bring them in a second time.
  unpack =
    {
      # Where its libraries find others; none: the wheel is pure Python.
      libraries ? [ ],
      # Patterns of libraries that may be missing.
      mayMiss ? [ ],
      # Compiles its modules, which the image cannot do: the store is read-only there.
      python ? null,
    }:
    wheel:
    pkgs.stdenv.mkDerivation {
      pname = wheel.name;
      inherit (wheel) version;
      src = download wheel;
      nativeBuildInputs = [
        pkgs.unzip
      ]
      ++ lib.optional (libraries != [ ]) pkgs.autoPatchelfHook;
      buildInputs = libraries;
      autoPatchelfIgnoreMissingDeps = mayMiss;
      dontUnpack = true;
      dontStrip = true; # it breaks libraries of wheels
      installPhase = ''
        mkdir "$out"
        cd "$out"
        unzip -q "$src"
        chmod -R u+rwX,go+rX-w .
        for data in *.data; do
          if [ -d "$data/purelib" ]; then cp -r "$data"/purelib/. .; fi
          if [ -d "$data/platlib" ]; then cp -r "$data"/platlib/. .; fi
          rm -rf "$data"
        done
        sed -i -E '/^Requires-Dist: (nvidia|cuda)-/d' *.dist-info/METADATA
      ''
      + lib.optionalString (python != null) ''
        PYTHONHASHSEED=0 ${python}/bin/python3 -m compileall -q \
          --invalidation-mode unchecked-hash . > /dev/null || true
      '';
      preFixup = lib.optionalString (libraries != [ ]) ''addAutoPatchelfSearchPath "$out"'';
    };

  # The packages as one folder, `place` of the image. A module in two of them is an error.
  folder =
    name: place: packages:
    pkgs.runCommand name { inherit packages; } ''
      site=$out${place}
      mkdir -p "$site"
      for package in $packages; do
        for entry in "$package"/*; do
          case ''${entry##*/} in bin | nix-support | __pycache__) continue ;; esac
          ln -s "$entry" "$site/"
        done
      done
    '';
in
{
  inherit
    chosen
    download
    fileName
    folder
    tree
    unpack
    ;
}
