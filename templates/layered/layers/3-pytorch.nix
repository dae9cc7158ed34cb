# Layer 3: PyTorch, from its wheels.
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
    # torch itself has to find all but the driver. The others use torch's libraries, which are
    # loaded before theirs, and one of several FFmpegs, where there is one.
    mayMiss = cuda.driverLibraries ++ [
      "libtorch*.so"
      "libc10*.so"
      "libav*.so.*"
      "libsox.so"
    ];
  };
in
wheels.folder "layer3-pytorch" "/opt/python/pytorch" (
  map unpack (wheels.chosen packages.pytorch)
)
