# dockerTools, as far as its derivations tell what an image is.
pkgs:
let
  inherit (pkgs)
    makeOverridable
    runCommand
    symlinkJoin
    writeText
    writeShellScript
    ;
  toList = value: if builtins.isList value then value else [ value ];
  concatPaths = builtins.concatStringsSep " ";
  tools = [
    pkgs.jq
    pkgs.rsync
  ];

  # vmTools.runInLinuxVM wraps a derivation's builder.
  runInLinuxVM =
    name: attributes: command:
    runCommand name (
      {
        requiredSystemFeatures = [ "kvm" ];
        origBuilder = "${pkgs.bash}/bin/bash";
        origArgs = [ "-e" ];
        QEMU_OPTS = "-m 512";
        preVM = "${pkgs.qemu}/bin/qemu-img create -f qcow2 disk-image.qcow2 1024M";
      }
      // attributes
    ) command;

  pullImage =
    {
      imageName,
      imageDigest,
      hash,
      finalImageTag ? "latest",
    }:
    runCommand
      "docker-image-${builtins.replaceStrings [ "/" ] [ "-" ] imageName}-${finalImageTag}.tar"
      {
        inherit imageDigest imageName;
        imageTag = finalImageTag;
        outputHashMode = "flat";
        outputHash = hash;
        nativeBuildInputs = [ pkgs.curl ];
        sourceURL = "docker://${imageName}@${imageDigest}";
      }
      ''
        skopeo copy "$sourceURL" "docker-archive://$out:$destNameTag"
      '';

  buildImage =
    args@{
      name,
      tag ? "latest",
      fromImage ? null,
      copyToRoot ? [ ],
      config ? { },
      runAsRoot ? null,
      extraCommands ? "",
      created ? "1970-01-01T00:00:01Z",
    }:
    let
      pure = writeText "${name}-config.json" (builtins.toJSON { inherit config; });
      impure = runCommand "${name}-config.json" { nativeBuildInputs = tools; } "jq .created ${pure} > $out";
      baseJson = if created == "now" then impure else pure;
      contents = toList copyToRoot;
      script = writeShellScript "run-as-root.sh" runAsRoot;
      layer =
        if runAsRoot == null then
          runCommand "docker-layer-${name}" {
            inherit baseJson extraCommands;
            copyToRoot = contents;
            nativeBuildInputs = tools;
          } "mkdir layer; ${pkgs.tarsum}/bin/tarsum < layer.tar"
        else
          runInLinuxVM "docker-layer-${name}" { inherit fromImage; } ''
            for item in ${concatPaths contents}; do rsync $item/ layer/; done
            unshare -imnpuf --mount-proc chroot mnt ${script}
            tarhash=$(${pkgs.tarsum}/bin/tarsum < $out/layer.tar)
          '';
    in
    runCommand "docker-image-${name}.tar.gz" {
      inherit fromImage baseJson;
      imageName = name;
      imageTag = tag;
      layerClosure = "${layer}";
      nativeBuildInputs = tools;
      passthru = {
        inherit layer;
        buildArgs = args;
        imageTag = tag;
      };
    } "cp ${layer}/* temp/; ${pkgs.moreutils}/bin/sponge";

  streamLayeredImage = makeOverridable (
    {
      name,
      tag ? "latest",
      fromImage ? null,
      contents ? [ ],
      config ? { },
      extraCommands ? "",
      fakeRootCommands ? "",
      passthru ? { },
    }:
    let
      baseJson = writeText "${name}-base.json" (builtins.toJSON { inherit config; });
      customisationLayer = symlinkJoin {
        name = "${name}-customisation-layer";
        paths = toList contents;
        inherit extraCommands fakeRootCommands;
        nativeBuildInputs = [ pkgs.fakeroot ];
        postBuild = ''(cd old_out; eval "$extraCommands"); fakeroot bash -c 'eval "$fakeRootCommands"' '';
      };
      closure = writeText "closure" "${baseJson} ${customisationLayer}";
      stream = runCommand "stream" { } "cp ${./docker.nix} $out; ${pkgs.python312}/bin/python3";
      conf = runCommand "${name}-conf.json" {
        inherit fromImage;
        imageName = name;
        paths = runCommand "closure-paths" { } "${pkgs.jq}/bin/jq . ${closure}";
        nativeBuildInputs = tools;
      } "jq . ${baseJson} ${customisationLayer}";
    in
    runCommand "stream-${name}" {
      inherit conf;
      nativeBuildInputs = [ pkgs.makeWrapper ];
      passthru = passthru // {
        imageName = name;
        imageTag = tag;
      };
    } "makeWrapper ${stream} $out --add-flags ${conf}"
  );
in
{
  dockerTools = {
    inherit buildImage pullImage streamLayeredImage;
  };
}
