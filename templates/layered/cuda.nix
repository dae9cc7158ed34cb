# The CUDA libraries of a variant, and what else wheels expect of a machine.
{ pkgs, variant }:
let
  inherit (pkgs) lib;
  inherit (variant) cudaPackages;
in
rec {
  # What PyTorch's wheels list as pip's nvidia-* packages.
  libraries = map lib.getLib (
    with cudaPackages;
    [
      cuda_cudart
      cuda_cupti
      cuda_nvrtc
      cudnn
      libcublas
      libcufft
      libcufile
      libcurand
      libcusolver
      libcusparse
      libcusparse_lt
      libnvjitlink
      libnvshmem
      nccl
    ]
  );

  # The libraries that manylinux wheels take from the machine (PEP 600), and OpenCV's.
  machineLibraries = [
    (lib.getLib pkgs.stdenv.cc.cc)
    pkgs.zlib
    (lib.getLib pkgs.glib)
    pkgs.libGL
  ];

  all = libraries ++ machineLibraries;

  # Triton's assembler alone: the rest of its package is a compiler of several hundred megabytes.
  ptxas = pkgs.runCommand "ptxas-${variant.cudaVersion}" { } ''
    mkdir -p "$out/bin"
    cp ${lib.getBin cudaPackages.cuda_nvcc}/bin/ptxas "$out/bin/"
  '';

  # The driver's own library is the host's, mounted when a container starts.
  driverLibraries = [
    "libcuda.so.1"
    "libnvidia-ml.so.1"
  ];
}
