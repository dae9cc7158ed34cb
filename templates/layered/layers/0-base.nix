# Layer 0: the system, and CUDA. Everything in it appears where programs that were not made for Nix
# look: /bin/sh, /usr/bin/env, the loader, certificates, time zones, /usr/local/cuda.
{
  pkgs,
  variant,
  cuda,
}:
let
  inherit (pkgs) lib;

  # gcc is for Triton and torch.compile, which compile when a model runs; git is for custom nodes.
  programs = map lib.getBin [
    pkgs.bash
    pkgs.coreutils
    pkgs.findutils
    pkgs.gnugrep
    pkgs.gnused
    pkgs.gawk
    pkgs.gnutar
    pkgs.gzip
    pkgs.which
    pkgs.gitMinimal
    pkgs.ffmpeg-headless
    pkgs.gcc
  ];

  # The C library's own cache is in its store path; the one of the container is in /etc, where the
  # NVIDIA container toolkit writes it.
  ldconfig = pkgs.writeShellScript "ldconfig" ''
    exec ${lib.getBin pkgs.glibc}/bin/ldconfig -C /etc/ld.so.cache -f /etc/ld.so.conf "$@"
  '';
in
pkgs.runCommand "layer0-base-${variant.cuda}" { } ''
  mkdir -p "$out"/bin "$out"/sbin "$out"/usr/bin "$out"/lib64 "$out"/etc/ssl/certs "$out"/usr/share
  mkdir -p "$out"/usr/local/lib "$out"/usr/local/cuda/bin "$out"/usr/local/cuda/lib64

  # a program of two packages is an error: ln does not replace
  for package in ${toString programs}; do
    for program in "$package"/bin/*; do ln -s "$program" "$out/bin/"; done
  done
  ln -s ${pkgs.coreutils}/bin/env "$out/usr/bin/env"
  ln -s ${ldconfig} "$out/sbin/ldconfig"
  ln -s ${pkgs.glibc}/lib/ld-linux-x86-64.so.2 "$out/lib64/"

  ln -s ${../files/passwd} "$out/etc/passwd"
  ln -s ${../files/group} "$out/etc/group"
  ln -s ${../files/nsswitch.conf} "$out/etc/nsswitch.conf"
  ln -s ${../files/ld.so.conf} "$out/etc/ld.so.conf"
  for name in ca-bundle.crt ca-certificates.crt; do
    ln -s ${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt "$out/etc/ssl/certs/$name"
  done
  ln -s ${pkgs.tzdata}/share/zoneinfo "$out/usr/share/zoneinfo"

  # what is opened by name, such as libnvrtc and the parts of cuDNN, and what pip's wheels expect
  link_libraries() {
    folder=$1
    shift
    for package in "$@"; do
      for library in "$package"/lib/*.so*; do
        [ -e "$library" ] || { echo "$package has no shared libraries" >&2; exit 1; }
        ln -s "$library" "$folder/"
      done
    done
  }
  link_libraries "$out/usr/local/cuda/lib64" ${toString cuda.libraries}
  link_libraries "$out/usr/local/lib" ${toString cuda.machineLibraries}
  ln -s ${cuda.ptxas}/bin/ptxas "$out/usr/local/cuda/bin/ptxas"
''
