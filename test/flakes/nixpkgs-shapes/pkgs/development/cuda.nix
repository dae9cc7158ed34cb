# The CUDA package sets, made of NVIDIA's downloads.
pkgs:
let
  licence = {
    free = false;
    shortName = "CUDA EULA";
  };
  package =
    pname: version:
    pkgs.stdenv.mkDerivation {
      inherit pname version;
      src = pkgs.fetchurl {
        url = "https://developer.download.nvidia.com/compute/cuda/redist/${pname}/linux-x86_64/${pname}-linux-x86_64-${version}-archive.tar.xz";
        hash = "sha256:${builtins.hashString "sha256" (pname + version)}";
      };
      meta.license = licence;
    };
  set = version: {
    cuda_cudart = package "cuda_cudart" "${version}.90";
    cuda_nvcc = package "cuda_nvcc" "${version}.93";
    libcublas = package "libcublas" "${version}.4.1";
    cudnn = package "cudnn" "9.15.0.57";
  };
in
{
  cudaPackages_12_6 = set "12.6";
  cudaPackages_12_8 = set "12.8";
  cudaPackages_13_0 = set "13.0";
}
