# ComfyUI at /opt/comfyui, with the custom nodes of the image. It calls Python by its path in the image,
# /opt/python/bin/python3, so that a new ComfyUI is built by a machine that has none of the layers below.
{ pkgs, source }:
let
  # Name of the folder in custom_nodes -> source. One more is a line here and in wheels.toml.
  customNodes = { };

  comfyui = pkgs.runCommand "comfyui" { } ''
    cp -r ${source "comfyui"} "$out"
    chmod -R u+w "$out"
    cp ${../files/extra_model_paths.yaml} "$out/extra_model_paths.yaml"
    cp ${../files/entrypoint.sh} "$out/entrypoint"
    chmod +x "$out/entrypoint"
    ${pkgs.lib.concatStrings (
      pkgs.lib.mapAttrsToList (name: from: ''
        cp -r ${source from} "$out/custom_nodes/${name}"
      '') customNodes
    )}
  '';
in
pkgs.runCommand "layer6-app" { } ''
  mkdir -p "$out/opt"
  ln -s ${comfyui} "$out/opt/comfyui"
''
