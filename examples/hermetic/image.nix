# The image: its recipe, and a target that carries it. The recipe is read by evaluation alone;
# building the target with plain Nix builds every layer and gives a folder of links to them.
{ linkTree, layers }:
let
  recipe = {
    name = "comfyui";
    tag = "cu130";

    # From the bottom to the top. A layer holds the closure of its target, less what those before it
    # hold.
    layers = [
      {
        name = "layer0-base";
        target = layers.layer0-base;
      }
      {
        name = "layer1-python";
        target = layers.layer1-python;
      }
      {
        name = "layer2-wheels";
        target = layers.layer2-wheels;
        image = false; # needed to build others, not shipped
      }
      {
        name = "layer3-pytorch";
        target = layers.layer3-pytorch;
      }
      {
        name = "layer4-deps";
        target = layers.layer4-deps;
      }
      {
        name = "layer5-perf";
        target = layers.layer5-perf;
      }
      {
        name = "layer6-app";
        target = layers.layer6-app;
      }
    ];

    # What of the store appears at /. Folders of the same name are merged, so that every layer can
    # add to /bin or to site-packages; one file from two of them is an error.
    root = [
      layers.layer0-base
      layers.layer1-python
      layers.layer3-pytorch
      layers.layer4-deps
      layers.layer5-perf
      layers.layer6-app
    ];

    # Real folders, which programs may write to.
    directories = [
      {
        path = "/tmp";
        mode = "1777";
      }
      {
        path = "/home/comfy";
        mode = "0755";
        uid = 1000;
        gid = 1000;
      }
      {
        path = "/models";
        mode = "0755";
        uid = 1000;
        gid = 1000;
      }
    ];

    # As in the OCI image specification. A User by number is one that Kubernetes can check, too.
    config = {
      Entrypoint = [
        "/bin/python"
        "/opt/comfyui/main"
      ];
      Env = [
        "PATH=/bin"
        "LANG=C.UTF-8"
        "HOME=/home/comfy"
      ];
      WorkingDir = "/home/comfy";
      User = "1000:1000";
      ExposedPorts."8188/tcp" = { };
      Volumes."/models" = { };
    };
  };

  shipped = builtins.filter (layer: layer.image or true) recipe.layers;

  all = linkTree "comfyui" (
    builtins.listToAttrs (
      map (layer: {
        inherit (layer) name;
        value = layer.target;
      }) shipped
    )
  );
in
all // { passthru.recipe = recipe; }
