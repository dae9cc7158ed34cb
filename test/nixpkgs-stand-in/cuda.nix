# The CUDA package sets: per package a tiny real library with the name that programs look for. It is
# the C library's empty libutil with another soname.
pkgs:
let
  inherit (pkgs) lib runCommand;
  inherit (pkgs.standIn) glibc patchelf;

  meta = {
    license = lib.licenses.nvidiaCuda;
  };

  library =
    name: version: sonames:
    runCommand "${name}-${version}" {
      pname = name;
      inherit meta version;
      nativeBuildInputs = [ patchelf ];
    } ''
      mkdir -p "$out/lib"
      for soname in ${toString sonames}; do
        cp "${glibc}/lib/libutil.so.1" "$out/lib/$soname"
        chmod u+w "$out/lib/$soname"
        patchelf --set-soname "$soname" "$out/lib/$soname"
        patchelf --set-rpath "${glibc}/lib" "$out/lib/$soname"
        short=''${soname%%.so*}.so
        if [ ! -e "$out/lib/$short" ]; then ln -s "$soname" "$out/lib/$short"; fi
      done
    '';

  # What changes with the major version of CUDA.
  set =
    version:
    let
      major = builtins.head (lib.splitString "." version);
      eleven = if major == "13" then "12" else "11";
    in
    lib.mapAttrs (name: library name version) {
      cuda_cudart = [ "libcudart.so.${major}" ];
      cuda_cupti = [ "libcupti.so.${major}" ];
      cuda_nvrtc = [
        "libnvrtc.so.${major}"
        "libnvrtc-builtins.so.${version}"
      ];
      cudnn = [
        "libcudnn.so.9"
        "libcudnn_ops.so.9"
      ];
      libcublas = [
        "libcublas.so.${major}"
        "libcublasLt.so.${major}"
      ];
      libcufft = [ "libcufft.so.${eleven}" ];
      libcufile = [ "libcufile.so.0" ];
      libcurand = [ "libcurand.so.10" ];
      libcusolver = [ "libcusolver.so.${eleven}" ];
      libcusparse = [ "libcusparse.so.${major}" ];
      libcusparse_lt = [ "libcusparseLt.so.0" ];
      libnvjitlink = [ "libnvJitLink.so.${major}" ];
      libnvshmem = [ "libnvshmem_host.so.3" ];
      nccl = [ "libnccl.so.2" ];
    }
    // {
      cudaMajorMinorVersion = version;
      cuda_nvcc = runCommand "cuda_nvcc-${version}" { inherit meta; } ''
        mkdir -p "$out/bin"
        printf '#!%s\necho "ptxas, a stand-in, release ${version}"\n' ${pkgs.runtimeShell} \
          > "$out/bin/ptxas"
        chmod +x "$out/bin/ptxas"
      '';
    };
in
{
  cudaPackages_12_6 = set "12.6";
  cudaPackages_12_8 = set "12.8";
  cudaPackages_12_9 = set "12.9";
  cudaPackages_13_0 = set "13.0";
  cudaPackages_13_2 = set "13.2";
}
