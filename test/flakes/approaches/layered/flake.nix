# The users' third approach: layers of plain derivations, and wheels that are pinned.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      inherit (pkgs) fetchFromGitHub runCommand;
      cuda = pkgs.cudaPackages_13_0;
      index = "https://download.pytorch.org/whl/cu130";
      hashOf = text: "sha256:${builtins.hashString "sha256" text}";

      wheel =
        file:
        pkgs.fetchurl {
          url = "${index}/${builtins.replaceStrings [ "+" ] [ "%2B" ] file}";
          hash = hashOf file;
          name = file;
        };
      wheels = builtins.mapAttrs (_: wheel) {
        torch = "torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl";
        torchvision = "torchvision-0.25.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl";
        torchaudio = "torchaudio-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl";
        flash-attn = "flash_attn-2.8.3+cu13torch2.10cxx11abiTRUE-cp312-cp312-linux_x86_64.whl";
      };

      # Wheels are installed without an index, and without what they require.
      install =
        name: files:
        runCommand name { nativeBuildInputs = [ pkgs.python312.pkgs.pip ]; } ''
          pip install --no-index --no-deps --target "$out" ${toString files}
        '';

      environment = pkgs.python312.withPackages (ps: [
        ps.aiohttp
        ps.numpy
        ps.pandas
        ps.pillow
        ps.pyyaml
        ps.requests
        ps.scipy
      ]);

      sam-2 = pkgs.python312.pkgs.buildPythonPackage {
        pname = "sam-2";
        version = "1.0";
        src = fetchFromGitHub {
          owner = "facebookresearch";
          repo = "sam2";
          rev = "2b90b9f5ceec907a1c18123530e92e794ad901a4";
          hash = hashOf "sam2";
        };
        dependencies = [ pkgs.python312.pkgs.tqdm ];
      };

      comfyui = fetchFromGitHub {
        owner = "Comfy-Org";
        repo = "ComfyUI";
        rev = "v0.38.0";
        hash = hashOf "comfyui";
      };
      entrypoint = pkgs.writeShellScriptBin "comfyui" ''
        exec /bin/python3 ${comfyui}/main.py "$@"
      '';

      layers = {
        layer0-base = pkgs.buildEnv {
          name = "base";
          paths = [
            pkgs.bash
            pkgs.coreutils
            cuda.cuda_cudart
            cuda.libcublas
          ];
        };
        layer1-python = environment;
        layer2-wheels = pkgs.linkFarm "wheels" (
          map (file: {
            inherit (file) name;
            path = file;
          }) (builtins.attrValues wheels)
        );
        layer3-pytorch = install "pytorch" [
          wheels.torch
          wheels.torchvision
          wheels.torchaudio
        ];
        layer4-dependencies = pkgs.buildEnv {
          name = "dependencies";
          paths = [ sam-2 ];
        };
        layer5-performance = install "performance" [ wheels.flash-attn ];
        layer6-app = runCommand "app" { } ''
          mkdir -p $out/opt $out/bin
          ln -s ${comfyui} $out/opt/comfyui
          ln -s ${entrypoint}/bin/comfyui $out/bin/comfyui
        '';
      };
    in
    {
      packages.x86_64-linux.comfyui = runCommand "comfyui" {
        passthru.recipe = {
          name = "comfyui";
          tag = "cu130";
          layers = map (name: {
            inherit name;
            target = layers.${name};
            image = name != "layer2-wheels";
          }) (builtins.attrNames layers);
          root = [ layers.layer6-app ];
          config = {
            Entrypoint = [ "/bin/comfyui" ];
            User = "1000:1000";
            Env = [ "LANG=C.UTF-8" ];
          };
        };
      } "touch $out";
    };
}
