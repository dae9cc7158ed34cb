# The image: its recipe, which comfy-nix reads, and a streamLayeredImage of the same, for which
# `nix build .#comfyui && ./result | docker load` is enough.
{
  pkgs,
  variant,
  layers,
}:
let
  inherit (pkgs) lib;

  # Real folders. The NVIDIA container toolkit fills those of the driver, and writes to /etc.
  directories = map root [
    "/etc"
    "/etc/ld.so.conf.d"
    "/run"
    "/usr/lib/x86_64-linux-gnu"
    "/usr/lib64"
    "/var"
  ]
  ++ map (path: root path // { mode = "1777"; }) [
    "/tmp"
    "/var/tmp"
  ]
  ++ map user [
    "/home/comfy"
    "/data"
    "/data/models"
  ];
  root = path: {
    inherit path;
    mode = "0755";
    uid = 0;
    gid = 0;
  };
  user = path: root path // {
    uid = 1000;
    gid = 1000;
  };

  home = "/home/comfy";

  environment = {
    HOME = home;
    LANG = "C.UTF-8";
    PATH = "${home}/.local/bin:/opt/python/bin:/bin:/sbin:/usr/bin";
    SSL_CERT_FILE = "/etc/ssl/certs/ca-bundle.crt";
    TZDIR = "/usr/share/zoneinfo";

    # What custom nodes and ComfyUI-Manager install goes to ~/.local and is found first; then the
    # layers, the wheels before nixpkgs.
    PIP_BREAK_SYSTEM_PACKAGES = "1";
    PIP_DISABLE_PIP_VERSION_CHECK = "1";
    PIP_USER = "1";
    PYTHONPATH = lib.concatStringsSep ":" [
      "${home}/.local/${variant.python.sitePackages}"
      "/opt/python/app"
      "/opt/python/performance"
      "/opt/python/dependencies"
      "/opt/python/pytorch"
      "/opt/python/nixpkgs"
    ];
    PYTHONUNBUFFERED = "1";
    PYTHONUSERBASE = "${home}/.local";

    # The image's libraries, then the folders where the toolkit mounts the driver's.
    LD_LIBRARY_PATH = "/usr/local/cuda/lib64:/usr/local/lib:/usr/lib/x86_64-linux-gnu:/usr/lib64";
    NVIDIA_DRIVER_CAPABILITIES = "compute,utility";
    NVIDIA_REQUIRE_CUDA = "cuda>=${variant.cudaVersion}";
    NVIDIA_VISIBLE_DEVICES = "all";

    # Triton and torch.compile compile while a model runs. The entry point corrects the folder of
    # libcuda where the toolkit has chosen the other one.
    CC = "/bin/gcc";
    CUDA_HOME = "/usr/local/cuda";
    CUDA_PATH = "/usr/local/cuda";
    CXX = "/bin/g++";
    TRITON_LIBCUDA_PATH = "/usr/lib/x86_64-linux-gnu";
  };

  # As in the OCI image specification.
  config = {
    Entrypoint = [ "/opt/comfyui/entrypoint" ];
    Cmd = [
      "--listen"
      "0.0.0.0"
      "--port"
      "8188"
      "--enable-manager"
    ];
    Env = lib.mapAttrsToList (name: value: "${name}=${value}") environment;
    ExposedPorts."8188/tcp" = { };
    Labels = {
      "org.comfy-nix.check" = "--quick-test-for-ci --cpu"; # arguments that start, load and end
      "org.opencontainers.image.title" = "ComfyUI ${variant.name}";
    };
    User = "1000:1000";
    Volumes."/data/models" = { };
    WorkingDir = "/data";
  };

  name = "comfyui";
  tag = variant.name;

  recipe = {
    inherit
      name
      tag
      config
      directories
      ;
    layers = map (layer: { inherit (layer) name targets; }) layers;
    root = lib.concatMap (layer: layer.root or [ ]) layers;
    folders = merged (lib.concatMap (layer: layer.folders or [ ]) layers);
  };

  # Several layers may bring something to one folder.
  merged =
    folders:
    map (at: {
      inherit at;
      from = lib.concatMap (folder: lib.optionals (folder.at == at) folder.from) folders;
    }) (lib.unique (map (folder: folder.at) folders));

  # The same folders for Nix alone; comfy-nix makes them of what it remembers of the paths. A layer is
  # cut off from what this refers to, so it names all targets.
  folders =
    pkgs.runCommand "folders"
      {
        nativeBuildInputs = [ pkgs.python3 ];
        folders = builtins.toJSON recipe.folders;
        layers = builtins.toJSON recipe.layers;
        passAsFile = [
          "folders"
          "layers"
        ];
      }
      ''
        python3 ${./folders.py} "$foldersPath" "$out"
        mkdir "$out/etc"
        cp "$layersPath" "$out/etc/image-layers"
      '';

  # Cuts off the closures of one layer's targets after the other's, from the bottom.
  layeringPipeline = lib.foldr (
    layer: above:
    [
      [
        "subcomponent_out"
        (map toString layer.targets)
      ]
    ]
    ++ lib.optional (above != [ ]) [
      "over"
      "rest"
      [
        "pipe"
        above
      ]
    ]
  ) [ ] (lib.filter (layer: layer.targets != [ ]) layers);

  makeDirectory =
    {
      path,
      mode,
      uid,
      gid,
    }:
    ''
      mkdir -p .${path}
      chmod ${mode} .${path}
      chown ${toString uid}:${toString gid} .${path}
    '';
in
pkgs.dockerTools.streamLayeredImage {
  inherit
    name
    tag
    config
    layeringPipeline
    ;
  contents = recipe.root ++ [ folders ];
  fakeRootCommands = lib.concatMapStrings makeDirectory directories;
  passthru.recipe = recipe;
}
