{
  description = "A layered ComfyUI image in miniature: no network, no nixpkgs, stand-in packages";

  # The one program that builds everything: a static busybox of the machine, handed in with
  #   --override-input busybox path:DIR        (DIR holds bin/busybox)
  # By default this is the flake's own folder, which has none: no binary is committed, and no path
  # of a machine is in flake.lock. A real flake has nixpkgs here.
  inputs.busybox = {
    follows = "";
    flake = false;
  };

  outputs =
    { self, busybox }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];

      packagesFor =
        system:
        let
          builders = import ./derive.nix { inherit busybox system; };
          layers = import ./layers.nix builders;
          comfyui = import ./image.nix {
            inherit (builders) linkTree;
            inherit layers;
          };
        in
        layers
        // {
          inherit comfyui;
          default = comfyui;
        };
    in
    {
      packages = builtins.listToAttrs (
        map (system: {
          name = system;
          value = packagesFor system;
        }) systems
      );
    };
}
