# The packages of Python in layer 1, from nixpkgs. All else is a wheel: `comfy-nix prefetch` asks this flake what is
# here (`provided`), and finds wheels of what the lists in wheels.toml require beyond it. To bring a
# requirements list (pak3.txt, pak5.txt, …) here, name it in wheels.toml. What prefetch then says has no
# wheel can come from
#
# 1. nixpkgs, with a line here: https://search.nixos.org, "python313Packages.NAME";
# 2. its repository, under [sources] of wheels.toml, and a line in layers/4-sources.nix.
#
# Nothing is looked up on an index while the image is built. A package that needs torch must not be here:
# the image has PyTorch's own wheel.
{
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
      glfw
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

  # Pythons, by their tag, whose packages nixpkgs' CI does not build: layer 1 is the interpreter alone, and the
  # list above is one of wheels that `comfy-nix prefetch` finds.
  interpreterAlone = [ "cp312" ];

  # Of the wheels of a layer these stand above the others, in this order: what changes more often. Each is
  # compiled by itself, so that a new one has no other fetched. In the names of NVIDIA's, "-cu13" is left out.
  order = [
    "nvidia-cusparselt"
    "nvidia-nvshmem"
    "nvidia-nccl"
    "nvidia-cudnn"
    "torch"
    "torchvision"
    "torchaudio"
    "triton"
  ];

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
