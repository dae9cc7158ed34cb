# Images whose packages come from nixpkgs and from elsewhere, each of which has `pname` and `version`: a
# few without a fault, and one for each way in which a fault gets into an image, called as the tests call it.
{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
    others.url = "github:example/others";
  };

  outputs =
    {
      self,
      nixpkgs,
      others,
    }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      inherit (pkgs) dockerTools fetchFromGitHub runCommand;
      hashOf = text: "sha256:${builtins.hashString "sha256" text}";

      own =
        changes:
        pkgs.stdenv.mkDerivation (
          {
            pname = "helper";
            version = "1.0";
          }
          // changes
        );
      installer = own { buildCommand = "pip install --target $out einops"; };
      downloader = own {
        postInstall = ''
          curl --location https://example.org/model.bin --output $out/model.bin
        '';
      };
      source = changes: {
        src = fetchFromGitHub (
          {
            owner = "Comfy-Org";
            repo = "ComfyUI";
            rev = "2b90b9f5ceec907a1c18123530e92e794ad901a4";
            hash = hashOf "comfyui";
          }
          // changes
        );
      };
      byHand = derivation {
        name = "by-hand-1.0";
        pname = "by-hand";
        version = "1.0";
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [
          "-c"
          "curl --output $out https://example.org/by-hand.bin"
        ];
      };
      withExtension =
        extension:
        import nixpkgs {
          overlays = [ (_: before: { pythonPackagesExtensions = before.pythonPackagesExtensions ++ [ extension ]; }) ];
        };
      curls = package: package.overrideAttrs (_: {
        postInstall = ''
          curl --output $out/patch https://example.org/patch
        '';
      });
      pythonOf = set: set.python312.withPackages (packages: [ packages.requests ]);

      # A recipe of one layer.
      image =
        target:
        runCommand "comfyui" {
          passthru.recipe = {
            name = "comfyui";
            tag = "test";
            layers = [
              {
                name = "layer0-app";
                inherit target;
              }
            ];
            config.User = "1000:1000";
          };
        } "touch $out";
      # What only its text refers to is no attribute of it.
      inText = package: image (runCommand "app" { } "ln -s ${package}/bin $out");
      asAttribute = package: image (runCommand "app" { paths = [ package ]; } "ln -s $paths $out");

      config.User = "1000";
      base = dockerTools.pullImage {
        imageName = "nvidia/cuda";
        imageDigest = hashOf "cuda";
        hash = hashOf "cuda-archive";
        finalImageTag = "13.0.1-base";
      };
      built =
        arguments:
        dockerTools.buildImage (
          {
            name = "comfyui";
            inherit config;
          }
          // arguments
        );
      streamed =
        contents:
        dockerTools.streamLayeredImage {
          name = "comfyui";
          inherit config contents;
        };
    in
    {
      packages.x86_64-linux = {
        clean-streamed = streamed [
          pkgs.git
          (pythonOf pkgs)
        ];
        clean-older = image (
          pkgs.olderBuildEnv {
            name = "base";
            paths = [ pkgs.git ];
          }
        );
        # told by `passthru.paths`, which changes no derivation
        clean-told = image (
          runCommand "app" { passthru.paths = [ pkgs.ffmpeg ]; } "ln -s ${pkgs.ffmpeg}/bin $out"
        );
        clean-built = built {
          copyToRoot = [ pkgs.git ];
          extraCommands = ''
            ${pkgs.jq}/bin/jq . etc/config.json > etc/sorted.json
            export PATH=${pkgs.rsync}/bin:$PATH
            ln -s ${pkgs.tzdata}/share/zoneinfo etc/zoneinfo
          '';
        };
        clean-now = built {
          copyToRoot = [ pkgs.git ];
          created = "now";
        };
        clean-rooted = built {
          copyToRoot = [ pkgs.git ];
          fromImage = built {
            name = "base";
            copyToRoot = [ pkgs.bash ];
          };
        };
        clean-own = asAttribute (own (source { }));
        # ffmpeg is named by a text, and the library that it needs is nixpkgs' for all that is seen of it
        clean-in-text = image (
          runCommand "app" { paths = [ pkgs.zlib ]; } ''
            ${pkgs.jq}/bin/jq . < config.json
            ln -s ${pkgs.ffmpeg}/bin $out
          ''
        );

        in-text = inText installer;
        in-text-below = inText (own {
          buildInputs = [ downloader ];
        });
        hash-in-text = inText (own (source { hash = pkgs.lib.fakeHash; }));
        branch-in-text = inText (own (source { rev = "refs/heads/main"; }));
        token-in-text = inText (own {
          HF_TOKEN = "planted-value";
        });
        as-attribute = asAttribute downloader;
        by-hand = asAttribute byHand;
        by-hand-in-text = inText byHand;
        overridden = asAttribute (curls pkgs.git);
        overridden-token = asAttribute (pkgs.git.overrideAttrs (_: { HF_TOKEN = "planted-value"; }));
        overlay = image (pythonOf (withExtension (_: before: { requests = curls before.requests; })));
        overlay-below = image (pythonOf (withExtension (_: before: { urllib3 = curls before.urllib3; })));
        second-input = asAttribute (others.lib.install-torch pkgs);
        tool = image (runCommand "app" { nativeBuildInputs = [ installer ]; } "helper > $out");

        tool-script = image (
          runCommand "app" {
            nativeBuildInputs = [
              (runCommand "setup" { } ''
                git clone https://example.org/tools.git $out
              '')
            ];
          } "setup > $out"
        );

        streamed = streamed [ downloader ];
        built = built { copyToRoot = [ installer ]; };
        built-upon = built {
          fromImage = built {
            name = "base";
            copyToRoot = [ downloader ];
          };
        };
        pulled = built { fromImage = base; };
        pulled-file = built { fromImage = builtins.toFile "base.tar" ""; };
        pulled-archive = built {
          fromImage = pkgs.fetchurl {
            url = "https://example.org/images/base-1.2.tar.gz";
            hash = hashOf "archive";
          };
        };
        pulled-into-recipe = inText base;
      };
    };
}
