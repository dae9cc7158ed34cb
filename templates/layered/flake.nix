{
  description = "A ComfyUI image with CUDA, PyTorch and custom nodes, layer by layer";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      system = "x86_64-linux";

      pkgs = import nixpkgs { inherit system; };

      # For what has to be compiled for CUDA, and for nothing else (layers/4-sources.nix).
      cudaPkgs = import nixpkgs {
        inherit system;
        config.cudaSupport = true;
        config.allowUnfree = true; # CUDA costs nothing, but is no free software
      };
      inherit (pkgs) lib;

      table = import ./variants.nix;
      lock = lib.importJSON ./wheels.lock.json;

      variantOf = cuda: python: {
        name = "${cuda}-${python}";
        inherit cuda system;
        inherit (table.python.${python}) abi;
        cudaVersion = table.cuda.${cuda}.version;
        cudaPackages = cudaPkgs.${table.cuda.${cuda}.packages};
        python = pkgs.${table.python.${python}.packages};
        wheels = lock.wheels.${system}.${cuda}.${table.python.${python}.abi} or { };
      };

      # Layers and image of a variant: { layer0-base … layer6-app, comfyui }.
      targetsOf =
        variant:
        let
          layers = import ./layers {
            inherit pkgs cudaPkgs variant;
            inherit (lock) sources;
          };
        in
        lib.listToAttrs (map (layer: lib.nameValuePair layer.name (together layer)) layers)
        // {
          comfyui = import ./image.nix { inherit pkgs variant layers; };
        };

      # What a layer holds, as one thing to build.
      together =
        { name, targets, ... }:
        if lib.length targets == 1 then
          lib.head targets
        else
          pkgs.linkFarm name (
            map (target: {
              inherit (target) name;
              path = target;
            }) targets
          );

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

      # What layer 1 has: Python -> project -> version. `comfy-nix prefetch` looks for no wheels of these;
      # where layer 1 is the interpreter alone a version is null, which asks it for a wheel.
      provided = lib.mapAttrs' (
        _:
        { packages, abi }:
        let
          python = pkgs.${packages};
          layer1 = import ./packages.nix;
          wanted = layer1.nixpkgs python.pkgs;
          versions = version: map (each: lib.nameValuePair (lib.getName each) (version each));
        in
        lib.nameValuePair "3.${lib.removePrefix "cp3" abi}" (
          lib.listToAttrs (
            if lib.elem abi layer1.interpreterAlone then
              versions (_: null) wanted
            else
              versions lib.getVersion (python.pkgs.requiredPythonModules wanted)
          )
        )
      ) table.python;

      hasPyTorch = variant: variant.wheels ? torch && variant.wheels ? torchvision;
    in
    {
      packages.${system} =
        let
          targets = allTargets hasPyTorch;
        in
        targets // { default = targets.comfyui; };

      # All of the table: what the lock has no wheels for says so when it is asked for.
      legacyPackages.${system} = allTargets (_: true) // {
        inherit provided;
      };

      apps.${system}.build-incremental = {
        type = "app";
        program = toString (
          pkgs.writeShellScript "build-incremental" (builtins.readFile ./build-incremental.sh)
        );
      };
    };
}
