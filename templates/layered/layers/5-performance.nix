# Layer 5: faster attention and quantisation, from wheels that exist for few combinations. It builds
# on no layer but CUDA's: a new PyTorch of the same version does not rebuild it.
{
  variant,
  packages,
  wheels,
  cuda,
}:
let
  unpack = wheels.unpack {
    libraries = cuda.all;
    inherit (variant) python;
    mayMiss = cuda.driverLibraries ++ [
      "libtorch*.so"
      "libc10*.so"
    ];
  };
in
wheels.folder "layer5-performance" "/opt/python/performance" (
  map unpack (wheels.chosen packages.performance)
)
