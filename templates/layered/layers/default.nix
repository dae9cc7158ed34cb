# The layers, from the bottom of the image to its top: what changes less often stands lower, since a
# host unpacks again all that lies above a change. The numbers are names, and not the order: no nixpkgs
# changes wheels, so they come first. A layer has
#
#   targets   what it holds: each is built, sent and remembered by itself
#   root      of these, those whose files appear at / of the image, as links
#   folders   folders of the image into which paths are merged, as links: { at, from = [ path … ]; }
{
  pkgs,
  cudaPkgs,
  variant,
  sources,
}:
let
  inherit (pkgs) lib;

  packages = import ../packages.nix;
  wheels = import ../wheels.nix {
    inherit pkgs variant;
    inherit (packages) order;
  };
  source = import ../source.nix { inherit pkgs sources; };

  cuda = wheels.ofLayer "cuda";

  isCompiled = tree: !lib.elem tree.project packages.data;

  # Wheels that appear together in /opt/python/NAME, with more that belongs there.
  site =
    name: more:
    let
      at = "/opt/python/${name}";
      targets = wheels.ofLayer name;
    in
    rec {
      inherit targets;
      bytecode = wheels.bytecode name at (lib.filter isCompiled targets);
      folders = [
        {
          inherit at;
          from = targets ++ lib.concatMap (layer: layer.targets) bytecode ++ more;
        }
        {
          at = "/opt/python/bin";
          from = map (tree: "${tree}/bin") targets;
        }
      ];
    };

  pytorch = site "pytorch" cuda;
  performance = site "performance" [ ];
  dependencies = site "dependencies" fromSources;
  app = site "app" [ ];

  base = import ./0-base.nix { inherit pkgs; };
  python = import ./1-python.nix { inherit pkgs variant packages; };
  fromSources = import ./4-sources.nix {
    inherit
      pkgs
      cudaPkgs
      variant
      packages
      wheels
      source
      sources
      ;
  };
  comfyui = import ./6-app.nix { inherit pkgs source; };
in
[
  {
    name = "layer2-cuda";
    targets = cuda;
    # by name, such as libnvrtc and the parts of cuDNN, and for what is compiled later
    folders = [
      {
        at = "/usr/local/cuda/lib64";
        from = map (tree: "${tree}/${wheels.nvidiaFolder tree}/lib") cuda;
      }
      {
        at = "/usr/local/cuda/include";
        from = map (tree: "${tree}/${wheels.nvidiaFolder tree}/include") cuda;
      }
    ];
  }
  {
    name = "layer3-pytorch";
    inherit (pytorch) targets folders;
  }
  {
    # built for one version of PyTorch, and changed with it
    name = "layer5-performance";
    inherit (performance) targets folders;
  }
  {
    name = "layer4-dependencies";
    inherit (dependencies) targets folders;
  }

  # From here on all moves with nixpkgs.
  {
    name = "layer0-base";
    targets = [ base ];
    root = [ base ];
  }
  {
    name = "layer1-python";
    inherit (python) targets folders;
  }
  {
    name = "layer4-sources";
    targets = fromSources;
  }
]
++ lib.concatMap (site: site.bytecode) [
  pytorch
  performance
  dependencies
]
# A new ComfyUI is the most frequent change of all, and touches nothing below. Its wheels have a layer of
# their own: no nixpkgs sends them again.
++ [
  {
    name = "layer6-wheels";
    inherit (app) targets folders;
  }
]
++ app.bytecode
++ [
  {
    name = "layer6-app";
    targets = [ comfyui ];
    root = [ comfyui ];
  }
]
