# What can be built: every CUDA with every Python, as far as wheels.lock.json has PyTorch for it.
# A new version is a line here, a line in wheels.toml, and `comfy-nix prefetch`.
{
  # `version` is what PyTorch was built with. `packages` is nixpkgs' set of it, for what is compiled
  # (layers/4-sources.nix). `python` is the default.
  cuda = {
    cu126 = {
      version = "12.6";
      packages = "cudaPackages_12_6";
      python = "py312";
    };
    cu128 = {
      version = "12.8";
      packages = "cudaPackages_12_8";
      python = "py313";
    };
    cu130 = {
      version = "13.0";
      packages = "cudaPackages_13_0";
      python = "py313";
    };
    cu132 = {
      version = "13.2";
      packages = "cudaPackages_13_2";
      python = "py314";
    };
  };

  # `abi` is the Python tag of wheels.
  python = {
    py312 = {
      packages = "python312";
      abi = "cp312";
    };
    py313 = {
      packages = "python313";
      abi = "cp313";
    };
    py314 = {
      packages = "python314";
      abi = "cp314";
    };
  };

  # What `nix build .#comfyui` and `.#layer3-pytorch` build, with its default Python.
  default = "cu130";
}
