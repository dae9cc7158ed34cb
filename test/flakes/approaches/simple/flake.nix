# The users' second approach: Python and a script, which installs everything at the first start.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;

      setup = pkgs.writeShellScriptBin "setup-comfyui" ''
        set -e
        python3 -m venv /data/venv
        /data/venv/bin/pip install torch torchvision torchaudio \
          --index-url https://download.pytorch.org/whl/cu130
        for list in ${./pak3.txt} ${./pak5.txt}; do
          /data/venv/bin/pip install -r "$list"
        done
        git clone --branch master https://github.com/Comfy-Org/ComfyUI /data/ComfyUI
      '';

      start = pkgs.writeShellScriptBin "start-comfyui" ''
        [ -e /data/venv ] || setup-comfyui
        exec /data/venv/bin/python /data/ComfyUI/main.py "$@"
      '';
    in
    {
      packages.x86_64-linux.comfyui = pkgs.dockerTools.streamLayeredImage {
        name = "comfyui-simple";
        contents = [
          pkgs.bash
          pkgs.coreutils
          pkgs.git
          pkgs.cacert
          (pkgs.python312.withPackages (ps: [
            ps.numpy
            ps.pip
          ]))
          setup
          start
        ];
        config = {
          Entrypoint = [ "/bin/start-comfyui" ];
          Volumes."/data" = { };
        };
      };
    };
}
