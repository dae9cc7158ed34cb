{
  description = "A small ComfyUI image that installs PyTorch and ComfyUI when it first starts";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      packages.${system} = rec {
        comfyui = import ./image.nix { inherit pkgs; };
        default = comfyui;
      };
    };
}
