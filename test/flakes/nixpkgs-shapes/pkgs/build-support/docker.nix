# dockerTools, as far as its derivations tell what an image is.
pkgs:
let
  inherit (pkgs)
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
    attributes:
    runCommand attributes.name (
      {
        requiredSystemFeatures = [ "kvm" ];
        origBuilder = "${pkgs.bash}/bin/bash";
        origArgs = [ "-e" ];
        QEMU_OPTS = "-m 512";
      }
      // attributes
    ) "${pkgs.qemu}/bin/qemu-kvm";

  buildImage =
    {
      name,
      tag ? "latest",
      fromImage ? null,
      copyToRoot ? [ ],
      config ? { },
      runAsRoot ? null,
      extraCommands ? "",
    }:
    let
      baseJson = writeText "${name}-config.json" (builtins.toJSON { inherit config; });
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
          runInLinuxVM {
            name = "docker-layer-${name}";
            inherit fromImage;
            preMount = "for item in ${concatPaths contents}; do rsync $item/ layer/; done";
            postMount = "unshare -imnpuf --mount-proc chroot mnt ${script}";
          };
    in
    runCommand "docker-image-${name}.tar.gz" {
      inherit fromImage baseJson;
      imageName = name;
      imageTag = tag;
      layerClosure = "${layer}";
      nativeBuildInputs = tools;
      passthru.imageTag = tag;
    } "cp ${layer}/* temp/; ${pkgs.moreutils}/bin/sponge";

  streamLayeredImage =
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
    } "makeWrapper ${stream} $out --add-flags ${conf}";
in
{
  dockerTools = {
    inherit buildImage streamLayeredImage;
  };
}
