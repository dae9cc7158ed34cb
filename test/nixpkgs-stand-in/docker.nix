# dockerTools.streamLayeredImage: conf.json in the real format, and a script that streams the
# docker-archive of it (stream_layered_image.py).
pkgs:
let
  inherit (pkgs) lib runCommand;

  goArchitecture =
    {
      x86_64-linux = "amd64";
      aarch64-linux = "arm64";
    }
    .${pkgs.system};

  toList = value: if builtins.isList value then value else [ value ];

  # What appears at /: the contents merged, then the commands. `chown` is noted, since a builder may
  # not change owners, and written into the archive.
  customisation =
    name: contents: extraCommands: fakeRootCommands:
    pkgs.symlinkJoin {
      name = "${name}-customisation-layer";
      paths = contents;
      nativeBuildInputs = [ pkgs.python3 ];
      postBuild = ''
        mv "$out" old_out
        chmod u+w old_out
        owners=$PWD/owners
        touch "$owners"
        chown() { printf '%s %s\n' "$1" "$2" >> "$owners"; }
        cd old_out
        ${extraCommands}
        ${fakeRootCommands}
        cd ..
        mkdir "$out"
        python3 ${./customisation_layer.py} old_out "$owners" "$out"
      '';
    };

  streamLayeredImage =
    {
      name,
      tag ? null,
      fromImage ? null,
      contents ? [ ],
      config ? { },
      architecture ? goArchitecture,
      created ? "1970-01-01T00:00:01Z",
      mtime ? "1970-01-01T00:00:01Z",
      uid ? 0,
      gid ? 0,
      uname ? "root",
      gname ? "root",
      maxLayers ? 100,
      extraCommands ? "",
      fakeRootCommands ? "",
      enableFakechroot ? false,
      includeStorePaths ? true,
      passthru ? { },
      layeringPipeline ? null,
    }:
    let
      baseName = baseNameOf name;
      baseJson = pkgs.writeText "${baseName}-base.json" (
        builtins.toJSON {
          inherit architecture config;
          os = "linux";
        }
      );
      layer = customisation baseName (toList contents) extraCommands fakeRootCommands;
      # by default a layer for each store path, as far as the layers go
      pipeline = if layeringPipeline == null then [ ] else layeringPipeline;

      conf =
        runCommand "${baseName}-conf.json"
          {
            nativeBuildInputs = [ pkgs.python3 ];
            exportReferencesGraph = [
              "base"
              baseJson
              "layer"
              layer
            ];
            pipeline = builtins.toJSON pipeline;
            passAsFile = [ "pipeline" ];
            rest = builtins.toJSON {
              inherit created mtime uname gname;
              repo_tag = "${lib.toLower name}:${imageTag}";
              uid = toString uid;
              gid = toString gid;
              customisation_layer = "${layer}";
              from_image = if fromImage == null then null else "${fromImage}";
              store_dir = builtins.storeDir;
            };
          }
          ''
            python3 ${./layered_conf.py} ${baseJson} ${layer} "$pipelinePath" \
              ${toString maxLayers} > "$out"
          '';
      imageTag = if tag != null then tag else builtins.substring 11 32 "${baseJson}";
    in
    runCommand "stream-${baseName}"
      {
        passthru = passthru // {
          inherit conf imageTag;
          imageName = lib.toLower name;
          isExe = true;
        };
      }
      ''
        {
          echo "#!${pkgs.runtimeShell}"
          echo "exec ${pkgs.python3}/bin/python3 ${./stream_layered_image.py} ${conf}"
        } > "$out"
        chmod +x "$out"
      '';
in
{
  dockerTools = {
    inherit streamLayeredImage;
  };
}
