# Layer 4: packages that ComfyUI and its nodes need and nixpkgs does not have, or has with its own
# torch; and SAM-2, from its source.
{
  pkgs,
  variant,
  packages,
  wheels,
  cuda,
  sources,
}:
let
  inherit (variant) python;

  unpack = wheels.unpack {
    inherit python;
    libraries = cuda.all;
    # they bring libraries for several kinds of GPU, and open those of the one that is there
    mayMiss = [ "*" ];
  };

  # pip as a builder only: it gets no index, installs no requirement, and writes to $out alone.
  pip = python.withPackages (all: [
    all.pip
    all.setuptools
  ]);
  buildFromSource =
    name: environment:
    pkgs.runCommand "${name}-${variant.abi}" (environment // { nativeBuildInputs = [ pip ]; }) ''
      cp -r ${import ../source.nix { inherit pkgs sources; } name} source
      chmod -R u+w source
      HOME=$PWD PYTHONHASHSEED=0 python3 -m pip install ./source --target "$out" \
        --no-index --no-deps --no-build-isolation --no-cache-dir --no-compile
      PYTHONHASHSEED=0 python3 -m compileall -q --invalidation-mode unchecked-hash "$out" \
        > /dev/null || true
      # its temporary folder's path
      rm -f "$out"/*.dist-info/direct_url.json
    '';

  # without its one CUDA kernel, which only fills holes in masks, and has a fallback
  sam-2 = buildFromSource "sam-2" { SAM2_BUILD_CUDA = "0"; };
in
wheels.folder "layer4-dependencies" "/opt/python/dependencies" (
  map unpack (wheels.chosen packages.dependencies) ++ [ sam-2 ]
)
