{
  description = "A ComfyUI image with CUDA, PyTorch and custom nodes, layer by layer";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      system = "x86_64-linux";

      pkgs = import nixpkgs {
        inherit system;
        # CUDA and cuDNN cost nothing, but are not free software.
        config.allowUnfree = true;
      };
      inherit (pkgs) lib;

      table = import ./variants.nix;
      lock = lib.importJSON ./wheels.lock.json;

      variantOf = cuda: python: {
        name = "${cuda}-${python}";
        inherit cuda system;
        inherit (table.python.${python}) abi;
        cudaVersion = table.cuda.${cuda}.version;
        cudaPackages = pkgs.${table.cuda.${cuda}.packages};
        python = pkgs.${table.python.${python}.packages};
        wheels = lock.wheels.${system}.${cuda}.${table.python.${python}.abi} or { };
      };

      # Layer targets and image of a variant: { layer0-base … layer6-app, comfyui }.
      targetsOf =
        variant:
        let
          layers = import ./layers {
            inherit pkgs variant;
            inherit (lock) sources;
          };
        in
        layers // { comfyui = import ./image.nix { inherit pkgs variant layers; }; };

      # Every target under its names: comfyui-cu130-py313; comfyui-cu130, where that Python is the
      # default; comfyui, where that CUDA is the default, too.
      namedTargetsOf =
        cuda: python:
        let
          isDefault = python == table.cuda.${cuda}.python;
          suffixes = [
            "-${cuda}-${python}"
          ]
          ++ lib.optional isDefault "-${cuda}"
          ++ lib.optional (isDefault && cuda == table.default) "";
          targets = targetsOf (variantOf cuda python);
        in
        lib.concatMap (
          suffix: lib.mapAttrsToList (name: lib.nameValuePair (name + suffix)) targets
        ) suffixes;

      allTargets =
        isWanted:
        lib.listToAttrs (
          lib.concatMap (
            cuda:
            lib.concatMap (
              python: lib.optionals (isWanted (variantOf cuda python)) (namedTargetsOf cuda python)
            ) (lib.attrNames table.python)
          ) (lib.attrNames table.cuda)
        );

      hasPyTorch = variant: variant.wheels ? torch && variant.wheels ? torchvision;
    in
    {
      packages.${system} =
        let
          targets = allTargets hasPyTorch;
        in
        targets // { default = targets.comfyui; };

      # All of the table: what the lock has no wheels for says so when it is asked for.
      legacyPackages.${system} = allTargets (_: true);

      apps.${system}.build-incremental = {
        type = "app";
        program = toString (
          pkgs.writeShellScript "build-incremental" (builtins.readFile ./build-incremental.sh)
        );
      };
    };
}
