{
  description = "Build layered CUDA images with Nix and stream them to a registry that remembers";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEachSystem =
        f:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = f nixpkgs.legacyPackages.${system};
          }) systems
        );

      version = (builtins.fromJSON (builtins.readFile ./package.json)).version;

      meta = {
        description = "Builds layered CUDA images and streams what changed into a registry";
        homepage = "https://github.com/org/comfy-nix-action";
        mainProgram = "comfy-nix";
      };

      # dist/ is committed, so nothing is compiled: this is a wrapper with a Node of its own.
      programFor =
        pkgs:
        pkgs.runCommand "comfy-nix-${version}" { meta = meta // { license = pkgs.lib.licenses.mit; }; } ''
          mkdir -p "$out/bin" "$out/share/comfy-nix"
          # package.json tells Node that these are ECMAScript modules
          cp -r ${./dist} "$out/share/comfy-nix/dist"
          cp ${./package.json} "$out/share/comfy-nix/package.json"
          printf '#!%s\nexec %s %s "$@"\n' ${pkgs.runtimeShell} ${pkgs.nodejs_24}/bin/node \
            "$out/share/comfy-nix/dist/cli.js" > "$out/bin/comfy-nix"
          chmod +x "$out/bin/comfy-nix"
        '';
    in
    {
      templates = rec {
        layered = {
          path = ./templates/layered;
          description = "ComfyUI with CUDA and PyTorch, layer by layer, all of it pinned";
          welcomeText = ''
            Read README.md, then: nix build .#layer0-base, or nix run .#build-incremental
          '';
        };
        simple = {
          path = ./templates/simple;
          description = "ComfyUI that installs itself on first start, for trying things out";
        };
        default = layered;
      };

      packages = forEachSystem (pkgs: rec {
        comfy-nix = programFor pkgs;
        default = comfy-nix;
      });

      apps = forEachSystem (pkgs: {
        default = {
          type = "app";
          program = "${programFor pkgs}/bin/comfy-nix";
          inherit meta;
        };
      });

      devShells = forEachSystem (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.nodejs_24
            pkgs.skopeo
          ];
        };
      });
    };
}
