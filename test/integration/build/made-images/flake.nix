# Images as other tools make them, without nixpkgs: what they build is what those tools build.
{
  inputs.busybox = {
    follows = "";
    flake = false;
  };
  inputs.streamer = {
    follows = "";
    flake = false;
  };

  outputs =
    { self, busybox, streamer }:
    let
      system = builtins.readFile ./system;
      shell = "${busybox}/bin/busybox";

      derive =
        name: environment: script:
        derivation (
          environment
          // {
            inherit name system shell;
            builder = shell;
            args = [
              "sh"
              "-c"
              ''busybox() { "$shell" "$@"; }; ${script}''
            ];
          }
        );

      package =
        name:
        derive name { } ''
          busybox mkdir -p "$out/share/${name}"
          echo ${name} > "$out/share/${name}/text"
          busybox ln -s text "$out/share/${name}/link"
        '';
      library = package "library";
      application = package (builtins.readFile ./application);

      # As streamLayeredImage makes them: conf.json, and a script that runs a streamer with it.
      customisation = derive "customisation" { } ''
        busybox mkdir "$out" folder
        busybox mkdir folder/tmp
        busybox touch -d @1 folder/tmp
        busybox tar -C folder -cf "$out/layer.tar" tmp
        busybox sha256sum "$out/layer.tar" | busybox cut -d ' ' -f 1 > "$out/checksum"
      '';
      conf =
        derive "demo-conf.json"
          {
            text = builtins.toJSON {
              architecture = "amd64";
              config = {
                Env = [ "APPLICATION=${application}" ];
              };
              created = "1970-01-01T00:00:01+00:00";
              customisation_layer = "${customisation}";
              from_image = null;
              gid = "0";
              gname = "root";
              mtime = "1970-01-01T00:00:01+00:00";
              repo_tag = "demo:cu130";
              store_dir = "/nix/store";
              store_layers = [
                [ "${library}" ]
                [ "${application}" ]
              ];
              uid = "0";
              uname = "root";
            };
          }
          ''echo "$text" > "$out"'';
      streamed = derive "stream-demo" { inherit conf; } ''
        {
          echo '#!/bin/sh'
          echo "exec python3 ${streamer} $conf"
        } > "$out"
        busybox chmod +x "$out"
      '';

      # As buildImage makes them: a docker-archive.
      archive = derive "demo.tar" { inherit library; } ''
        busybox mkdir image
        busybox tar -cf image/layer.tar "$library"
        diff=$(busybox sha256sum image/layer.tar | busybox cut -d ' ' -f 1)
        echo '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:'"$diff"'"]}}' > image/config.json
        echo '[{"Config":"config.json","RepoTags":["demo:cu130"],"Layers":["layer.tar"]}]' > image/manifest.json
        busybox tar -C image -cf "$out" manifest.json config.json layer.tar
      '';
    in
    {
      packages.${system} = {
        inherit archive;
        streamed = streamed // {
          imageName = "demo";
          imageTag = "cu130";
        };
        # any program that writes a docker-archive
        written = derive "write-demo" { inherit archive; } ''
          {
            echo '#!/bin/sh'
            echo "exec cat $archive"
          } > "$out"
          busybox chmod +x "$out"
        '';
      };
    };
}
