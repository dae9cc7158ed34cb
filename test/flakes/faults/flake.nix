# A small image without a fault (`clean`), and the same with one fault each, called as the audit calls
# what it has to find.
{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      inherit (pkgs) fetchFromGitHub fetchurl runCommand;
      cuda = pkgs.cudaPackages_13_0;
      hashOf = text: "sha256:${builtins.hashString "sha256" text}";
      commit = "2b90b9f5ceec907a1c18123530e92e794ad901a4";

      base = pkgs.buildEnv {
        name = "base";
        paths = [
          pkgs.bash
          cuda.cuda_cudart
        ];
      };
      python = pkgs.python312.withPackages (ps: [ ps.numpy ]);
      torch = fetchurl {
        url = "https://download.pytorch.org/whl/cu130/torch-2.10.0%2Bcu130-cp312-cp312-linux_x86_64.whl";
        hash = hashOf "torch";
        name = "torch-2.10.0+cu130-cp312-cp312-linux_x86_64.whl";
      };
      installWheel =
        name: wheel:
        runCommand name { nativeBuildInputs = [ pkgs.python312Packages.pip ]; } ''
          # pip install torch would ask an index
          echo "run pip install torch to get another one"
          pip install --no-index --no-deps --target "$out" ${wheel}
        '';
      # fetched and unpacked in one step
      unpacked =
        name: url:
        pkgs.stdenv.mkDerivation {
          inherit name;
          urls = [ url ];
          nativeBuildInputs = [ pkgs.python312 ];
          outputHash = hashOf "unpacked ${name}";
          outputHashMode = "recursive";
        };
      unpackedTorch = unpacked "torch-2.10.0" (builtins.head torch.urls);
      unpackedTriton = unpacked "triton-3.6.0" "https://download.pytorch.org/whl/triton-3.6.0-cp312-cp312-linux_x86_64.whl";
      source =
        changes:
        fetchFromGitHub (
          {
            owner = "Comfy-Org";
            repo = "ComfyUI";
            rev = commit;
            hash = hashOf "comfyui";
          }
          // changes
        );
      app = from: runCommand "app" { } "ln -s ${from} $out";
      start = pkgs.writeShellScriptBin "start" ''
        # curl https://example.org/ is not run
        curl --fail http://127.0.0.1:8188/ || exec python3 /opt/comfyui/main.py "$@"
      '';

      image =
        {
          layers ? { },
          config ? { },
          shipWheels ? false,
        }:
        let
          all = {
            layer0-base = base;
            layer1-python = python;
            layer2-wheels = pkgs.linkFarm "wheels" [
              {
                inherit (torch) name;
                path = torch;
              }
            ];
            layer3-pytorch = installWheel "pytorch" torch;
            layer4-app = app (source { });
          }
          // layers;
        in
        runCommand "comfyui" {
          passthru.recipe = {
            name = "comfyui";
            tag = "test";
            layers = map (
              name:
              (if builtins.isList all.${name} then { targets = all.${name}; } else { target = all.${name}; })
              // {
                inherit name;
                image = name != "layer2-wheels" || shipWheels;
              }
            ) (builtins.attrNames all);
            root = [ start ];
            config = {
              Entrypoint = [ "/bin/start" ];
              User = "1000:1000";
              Env = [
                "TOKENIZERS_PARALLELISM=false"
                "HF_TOKEN_FILE=/run/secrets/hf"
                "API_KEY="
              ];
            }
            // config;
          };
        } "touch $out";
    in
    {
      packages.x86_64-linux = {
        clean = image { };

        vm-build = pkgs.dockerTools.buildImage {
          name = "comfyui";
          runAsRoot = "mkdir /data";
          config.User = "1000";
        };
        sandbox-off = image {
          layers.layer4-app = runCommand "app" { __noChroot = true; } "touch $out";
        };
        network-at-build = image {
          layers.layer3-pytorch = runCommand "pytorch" { } ''
            python3 -m pip install --target $out torch==2.10.0 \
              torchvision
          '';
        };
        pip-download = image {
          layers.layer2-wheels = runCommand "downloads" {
            outputHash = hashOf "downloads";
            outputHashMode = "recursive";
          } "pip download --dest $out sageattention==2.2.0";
          shipWheels = true;
        };
        network-at-start = image {
          config.Cmd = [
            "bash"
            "-c"
            "pip install einops && exec start"
          ];
        };
        unpinned-branch = image { layers.layer4-app = app (source { rev = "refs/heads/main"; }); };
        fake-hash = image { layers.layer4-app = app (source { hash = pkgs.lib.fakeHash; }); };
        empty-hash = image { layers.layer4-app = app (source { hash = ""; }); };
        two-cuda-versions = image {
          layers.layer0-base = pkgs.buildEnv {
            name = "base";
            paths = [ pkgs.cudaPackages_12_6.cuda_cudart ];
          };
        };
        library-twice = image { shipWheels = true; };
        numpy-twice = image {
          layers.layer4-more = installWheel "numpy" (fetchurl {
            url = "https://files.example.org/numpy-2.4.0-cp312-cp312-linux_x86_64.whl";
            hash = hashOf "numpy";
          });
        };
        secret-in-environment = image {
          config.Env = [
            "HF_TOKEN=planted-value"
            "PROXY=http://someone:planted-value@proxy.example.org"
          ];
        };
        runs-as-root = image { config.User = "root"; };

        # faults of size: the test says how large what is built would be
        order = image { layers.layer3-pytorch = unpackedTorch; };
        bump-fragile = image { layers.layer3-pytorch = installWheel "pytorch-with-cuda" torch; };
        bump-fragile-cuda = image {
          layers.layer0-base = pkgs.buildEnv {
            name = "base";
            paths = [ cuda.libcublas ];
          };
        };
        # none of these: what a new nixpkgs leaves alone is at the bottom
        bump-proof = image {
          layers = {
            layer-wheels = [
              unpackedTorch
              unpackedTriton
            ];
            layer3-pytorch = runCommand "links" { } "ln -s ${unpackedTorch} $out";
          };
        };

        # Nix has to be told that it may: experimental features
        impure = image {
          layers.layer4-app = runCommand "app" { __impure = true; } "touch $out";
        };
      };
    };
}
