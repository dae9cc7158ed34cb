# The layer targets, from what seldom changes to what often does. Each is a small tree of links that
# appears at / of the image; what it links to is the layer. Only what is written behind a file's
# name here can rebuild it.
{
  pkgs,
  variant,
  sources,
}:
let
  packages = import ../packages.nix;
  wheels = import ../wheels.nix { inherit pkgs variant; };
  cuda = import ../cuda.nix { inherit pkgs variant; };
in
{
  layer0-base = import ./0-base.nix { inherit pkgs variant cuda; };
  layer1-python = import ./1-python.nix { inherit pkgs variant packages; };
  layer2-wheels = import ./2-wheels.nix { inherit pkgs variant packages wheels; };
  layer3-pytorch = import ./3-pytorch.nix { inherit variant packages wheels cuda; };
  layer4-dependencies = import ./4-dependencies.nix {
    inherit
      pkgs
      variant
      packages
      wheels
      cuda
      sources
      ;
  };
  layer5-performance = import ./5-performance.nix { inherit variant packages wheels cuda; };
  # neither Python nor CUDA: it is built on machines that have none of them
  layer6-app = import ./6-app.nix { inherit pkgs packages wheels sources; };
}
