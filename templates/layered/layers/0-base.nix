# The system. Everything in it appears where programs that were not made for Nix look: /bin/sh,
# /usr/bin/env, the loader, certificates, time zones, the libraries that wheels take from the machine.
{ pkgs }:
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

  # What manylinux wheels take from the machine (PEP 600), and OpenCV's.
  libraries = map lib.getLib [
    pkgs.stdenv.cc.cc
    pkgs.zlib
    pkgs.glib
    pkgs.libGL
  ];
in
pkgs.runCommand "layer0-base" { } ''
  mkdir -p "$out"/bin "$out"/sbin "$out"/usr/bin "$out"/lib64 "$out"/etc/ssl/certs "$out"/usr/share \
    "$out"/usr/local/lib

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

  for package in ${toString libraries}; do
    # a pattern that matches nothing is no word at all here: nixpkgs' builders set nullglob
    found=
    for library in "$package"/lib/*.so*; do
      if [ -e "$library" ]; then
        ln -s "$library" "$out/usr/local/lib/"
        found=1
      fi
    done
    [ "$found" ] || { echo "$package has no shared libraries" >&2; exit 1; }
  done
''
