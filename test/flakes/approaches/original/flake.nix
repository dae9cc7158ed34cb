# The users' first approach: images on images, and pip in a virtual machine.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      inherit (pkgs) dockerTools;

      base = dockerTools.buildImage {
        name = "comfyui-base";
        copyToRoot = [
          pkgs.bash
          pkgs.coreutils
          pkgs.git
          pkgs.cudaPackages_13_0.cuda_cudart
          (pkgs.python312.withPackages (ps: [
            ps.numpy
            ps.pillow
            ps.pip
          ]))
        ];
      };

      pytorch = dockerTools.buildImage {
        name = "comfyui-pytorch";
        fromImage = base;
        runAsRoot = ''
          pip install torch==2.10.0 torchvision torchaudio \
            --index-url https://download.pytorch.org/whl/cu130
        '';
      };
    in
    {
      packages.x86_64-linux.comfyui = dockerTools.buildImage {
        name = "comfyui";
        tag = "cu130";
        fromImage = pytorch;
        runAsRoot = ''
          pip install -r ${./pak3.txt}
          git clone https://github.com/Comfy-Org/ComfyUI /opt/comfyui
        '';
        config = {
          Cmd = [
            "python3"
            "/opt/comfyui/main.py"
          ];
          ExposedPorts."8188/tcp" = { };
        };
      };
    };
}
