# One image of nixpkgs' programs alone. PyTorch's own CUDA libraries come with it from pip, the
# driver from the host, everything into the volume /data when the container first starts.
{ pkgs }:
let
  inherit (pkgs) lib;
  python = pkgs.python313;

  # What wheels expect of a machine, where they look for it.
  machineLibraries = map lib.getLib [
    pkgs.stdenv.cc.cc
    pkgs.zlib
    pkgs.glib
    pkgs.libGL
  ];

  base = pkgs.runCommand "comfyui-simple" { } ''
    mkdir -p "$out"/bin "$out"/usr/bin "$out"/usr/local/lib "$out"/lib64 "$out"/etc/ssl/certs
    for package in ${
      toString (
        map lib.getBin [
          pkgs.bash
          pkgs.coreutils
          pkgs.gcc
          pkgs.gitMinimal
          pkgs.gnugrep
          pkgs.gnused
        ]
      )
    }; do
      for program in "$package"/bin/*; do ln -s "$program" "$out/bin/"; done
    done
    for package in ${toString machineLibraries}; do
      for library in "$package"/lib/*.so*; do ln -s "$library" "$out/usr/local/lib/"; done
    done
    ln -s ${pkgs.coreutils}/bin/env "$out/usr/bin/env"
    ln -s ${python}/bin/python3 "$out/bin/python3"
    ln -s ${pkgs.glibc}/lib/ld-linux-x86-64.so.2 "$out/lib64/"
    ln -s ${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt "$out/etc/ssl/certs/"
    ln -s ${./passwd} "$out/etc/passwd"
    ln -s ${./group} "$out/etc/group"
    cp ${./start.sh} "$out/bin/start"
    chmod +x "$out/bin/start"
  '';
in
pkgs.dockerTools.streamLayeredImage {
  name = "comfyui";
  tag = "simple";
  contents = [ base ];
  fakeRootCommands = ''
    mkdir -p ./tmp ./run ./usr/lib/x86_64-linux-gnu ./usr/lib64 ./data
    chmod 1777 ./tmp
    chown 1000:1000 ./data
  '';
  config = {
    Entrypoint = [ "/bin/start" ];
    Cmd = [
      "--listen"
      "0.0.0.0"
    ];
    Env = [
      "HOME=/data"
      "LANG=C.UTF-8"
      "LD_LIBRARY_PATH=/usr/local/lib:/usr/lib/x86_64-linux-gnu:/usr/lib64"
      "NVIDIA_DRIVER_CAPABILITIES=compute,utility"
      "NVIDIA_VISIBLE_DEVICES=all"
      "PATH=/data/venv/bin:/bin:/usr/bin"
      "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"
      # what is installed on first start; set them when the container is started
      "COMFYUI_REPOSITORY=https://github.com/Comfy-Org/ComfyUI"
      "COMFYUI_REF=v0.33.1"
      "TORCH_INDEX=https://download.pytorch.org/whl/cu130"
    ];
    ExposedPorts."8188/tcp" = { };
    User = "1000:1000";
    Volumes."/data" = { };
    WorkingDir = "/data";
  };
}
