# What is built from source, without an index: SAM-2, what lists name by git+https, and source archives.
#
# What has to be compiled for CUDA belongs here, too, with `cudaPkgs` (nixpkgs with cudaSupport, whose
# builds are in the CUDA caches) and `variant.cudaPackages`. They are for this file alone: all that is
# built with them changes with every nixpkgs.
{
  pkgs,
  cudaPkgs,
  variant,
  packages,
  wheels,
  source,
  sources,
}:
let
  inherit (variant) python;
  inherit (pkgs) lib;

  # Wheels, and those that they require in turn.
  withRequired =
    names:
    let
      keyed = map (key: { inherit key; });
      isBy = by: _: wheel: lib.elem by (wheel.requiredBy or [ ]);
      requiredBy = { key }: keyed (lib.attrNames (lib.filterAttrs (isBy key) variant.wheels));
    in
    map ({ key }: key) (
      builtins.genericClosure {
        startSet = keyed names;
        operator = requiredBy;
      }
    );

  # pip as a builder only: it gets no index, installs no requirement, and writes to $out alone.
  builder =
    required:
    let
      names = lib.unique (
        [
          "pip"
          "setuptools"
        ]
        ++ required
      );
    in
    if lib.elem variant.abi packages.interpreterAlone then
      {
        nativeBuildInputs = [ python ];
        PYTHONPATH = lib.concatMapStringsSep ":" toString (map wheels.named (withRequired names));
      }
    else
      { nativeBuildInputs = [ (python.withPackages (all: map (name: all.${name}) names)) ]; };
  buildFromSource =
    name: required: environment:
    pkgs.runCommand "${name}-${variant.abi}" (environment // builder required) ''
      if [ -d ${source name} ]; then cp -r ${source name} source; else
        python3 -c 'import shutil, sys; shutil.unpack_archive(sys.argv[1], "unpacked")' ${source name}
        mv unpacked/* source
      fi
      chmod -R u+w source
      HOME=$PWD PYTHONHASHSEED=0 python3 -m pip install ./source --target "$out" \
        --no-index --no-deps --no-build-isolation --no-cache-dir --no-compile
      PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash "$out" \
        > /dev/null || true
      # its temporary folder's path
      rm -f "$out"/*.dist-info/direct_url.json
    '';
in
[
  # without its one CUDA kernel, which only fills holes in masks, and has a fallback
  (buildFromSource "sam-2" [ ] { SAM2_BUILD_CUDA = "0"; })
]
++ lib.mapAttrsToList (name: { buildRequires, ... }: buildFromSource name buildRequires { }) (
  lib.filterAttrs (_: pin: pin ? buildRequires) sources
)
