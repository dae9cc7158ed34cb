# What goes where. To bring a requirements list (pak3.txt, pak5.txt, …) here, ask of each line:
#
# 1. Is it in nixpkgs (https://search.nixos.org, "python313Packages.NAME"), and does it not need
#    torch there? Into `nixpkgs`. Its version is that of the nixpkgs in flake.lock.
# 2. Else, is there a wheel, or need it be this very version? Into wheels.toml, then `comfy-nix
#    prefetch`, and its name into one of the lists of wheels.
# 3. Else: its repository under [sources] of wheels.toml, and a line in layers/4-sources.nix.
#
# Nothing is looked up on an index while the image is built: a requirement that is nowhere here is
# missing at run time. `pip check` in the container names it.
let
  # In the names of NVIDIA's wheels.
  toolkit = [
    "cublas"
    "cuda-cupti"
    "cuda-nvrtc"
    "cuda-runtime"
    "cufft"
    "cufile"
    "curand"
    "cusolver"
    "cusparse"
    "nvjitlink"
    "nvtx"
  ];
  libraries = [
    "cusparselt"
    "nvshmem"
    "nccl"
    "cudnn"
  ];
in
{
  # Layer 1, from nixpkgs: none of them may need torch, since the image has PyTorch's own wheel.
  nixpkgs =
    python: with python; [
      aiohttp
      alembic
      av
      blake3
      cachetools
      chardet
      colorama
      einops
      filelock
      fsspec
      ftfy
      gitpython
      h5py
      huggingface-hub
      hydra-core
      imageio
      iopath
      jinja2
      lark
      matplotlib
      networkx
      numba
      numpy
      omegaconf
      packaging
      pandas
      piexif
      pillow
      pip
      protobuf
      psutil
      pydantic
      pydantic-settings
      pygithub
      pyopengl
      pyyaml
      regex
      requests
      rich
      safetensors
      scikit-image
      scikit-learn
      scipy
      sentencepiece
      setuptools
      shapely
      simpleeval
      sqlalchemy
      sympy
      tokenizers
      toml
      tqdm
      transformers
      typer
      typing-extensions
      urllib3
      websocket-client
      yarl
    ];

  # Layer 2: NVIDIA's libraries that PyTorch's wheels name, for a major version of CUDA. From the
  # bottom to the top: what changes less often first.
  cuda = major: {
    required = {
      "12" = map (name: "nvidia-${name}-cu12") (toolkit ++ libraries);
      "13" = [
        "cuda-toolkit"
      ]
      ++ map (name: "nvidia-${name}") toolkit
      ++ map (name: "nvidia-${name}-cu13") libraries;
    }.${major};
    optional = {
      "12" = [ "cuda-toolkit" ];
      "13" = [ ];
    }.${major};
  };

  # Layer 3. Those of `optional` are installed where the lock has them.
  pytorch = {
    required = [
      "torch"
      "torchvision"
    ];
    optional = [
      "torchaudio"
      "triton"
      "cuda-bindings"
      "cuda-pathfinder"
    ];
  };

  # Layer 4. What is small shares a blob, which one more changes.
  dependencies = {
    required = [
      "opencv-python"
      "comfy-kitchen"
      "comfy-aimdo"
      "kornia"
      "kornia-rs"
      "spandrel"
      "torchsde"
      "trampoline"
    ];
    optional = [ "comfy-angle" ];
  };

  # Layer 5. A wheel for one combination of CUDA, Python and PyTorch alone.
  performance = {
    required = [ ];
    optional = [
      "flash-attn"
      "nunchaku"
      "sageattention"
    ];
  };

  # Layer 6: what is released with ComfyUI, and its Manager. The small ones share a blob with ComfyUI
  # itself, above the large ones.
  app = {
    required = [
      "comfyui-workflow-templates-media-assets-01"
      "comfyui-workflow-templates-media-video"
      "comfyui-workflow-templates-media-other"
      "comfyui-workflow-templates-media-image"
      "comfyui-workflow-templates-media-api"
      "comfyui-embedded-docs"
      "comfyui-frontend-package"
      "comfyui-manager"
      "comfyui-workflow-templates"
      "comfyui-workflow-templates-core"
      "comfyui-workflow-templates-json"
    ];
    optional = [ ];
  };

  # Data, and a module of a few lines to find it by. These are not compiled: no machine fetches them for
  # that.
  data = [
    "comfyui-embedded-docs"
    "comfyui-frontend-package"
    "comfyui-workflow-templates-media-api"
    "comfyui-workflow-templates-media-assets-01"
    "comfyui-workflow-templates-media-image"
    "comfyui-workflow-templates-media-other"
    "comfyui-workflow-templates-media-video"
  ];
}
