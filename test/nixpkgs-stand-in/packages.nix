# Packages. What has to run is real and comes from the machine; the rest are names with a file in
# them, so that graphs and images have the shape of the real ones.
pkgs:
let
  inherit (pkgs) lib machineFile runCommand;
  inherit (pkgs.standIn) glibc libraries patchelf;

  # Programs that are busybox's applets, under a package's name.
  applets =
    name: names:
    runCommand name { meta.mainProgram = builtins.head names; } ''
      mkdir -p "$out/bin"
      cp "$shell" "$out/bin/.busybox"
      for applet in ${toString names}; do ln -s .busybox "$out/bin/$applet"; done
    '';

  # A library that nothing uses: the C library's empty libutil with another name.
  library =
    name: soname:
    runCommand name { nativeBuildInputs = [ patchelf ]; } ''
      mkdir -p "$out/lib"
      cp ${glibc}/lib/libutil.so.1 "$out/lib/${soname}"
      chmod u+w "$out/lib/${soname}"
      patchelf --set-soname ${soname} "$out/lib/${soname}"
      patchelf --set-rpath ${glibc}/lib "$out/lib/${soname}"
    '';

  # A program that says what it would be, and its arguments.
  program =
    name: names:
    runCommand name { } ''
      mkdir -p "$out/bin"
      for program in ${toString names}; do
        printf '#!%s\necho "%s, a stand-in:" "$@"\n' "${pkgs.runtimeShell}" "$program" \
          > "$out/bin/$program"
        chmod +x "$out/bin/$program"
      done
    '';

  loader = "ld-linux-x86-64.so.2";
in
{
  # The machine's C library and other libraries, and patchelf, which the loader starts by hand:
  # a sandbox has no /lib64.
  standIn = {
    inherit loader applets library;
    glibc = runCommand "glibc-stand-in" { from = machineFile "glibc"; } ''
      mkdir -p "$out/bin"
      cp -r "$from" "$out/lib"
      chmod u+w "$out/lib"
      mv "$out/lib/ldconfig" "$out/bin/"
    '';
    patchelf = pkgs.writeShellScriptBin "patchelf" ''
      exec ${glibc}/lib/${loader} --library-path ${glibc}/lib:${machineFile "libraries"} \
        ${machineFile "bin"}/patchelf "$@"
    '';
    libraries = runCommand "libraries-stand-in" {
      from = machineFile "libraries";
      nativeBuildInputs = [ patchelf ];
    } ''
      mkdir "$out"
      cp -r "$from" "$out/lib"
      chmod -R u+w "$out/lib"
      for file in "$out"/lib/*; do patchelf --set-rpath "$out/lib:${glibc}/lib" "$file"; done
      # nixpkgs' loader looks for them in its own folder, Debian's does not
      for name in libdl.so.2 libm.so.6 libpthread.so.0 librt.so.1 libutil.so.1; do
        ln -s "${glibc}/lib/$name" "$out/lib/"
      done
    '';
  };

  inherit glibc patchelf;
  zlib = library "zlib" "libzstandin.so.1";
  busybox = applets "busybox" [ "busybox" ];
  # bash is a script: busybox goes by the name that it is started with
  bash = runCommand "bash" { } ''
    mkdir -p "$out/bin"
    cp "$shell" "$out/bin/sh"
    printf '#!%s\nexec %s "$@"\n' "$out/bin/sh" "$out/bin/sh" > "$out/bin/bash"
    chmod +x "$out/bin/bash"
  '';
  coreutils = applets "coreutils" [
    "basename"
    "cat"
    "chmod"
    "chown"
    "cp"
    "cut"
    "date"
    "dirname"
    "env"
    "head"
    "id"
    "ln"
    "ls"
    "mkdir"
    "mktemp"
    "mv"
    "readlink"
    "rm"
    "sha256sum"
    "sleep"
    "sort"
    "stat"
    "tail"
    "touch"
    "true"
    "uname"
    "wc"
    "whoami"
  ];
  curl = program "curl" [ "curl" ];
  ffmpeg-headless = program "ffmpeg-headless" [ "ffmpeg" "ffprobe" ];
  findutils = applets "findutils" [ "find" "xargs" ];
  gawk = applets "gawk" [ "awk" ];
  gcc = program "gcc" [ "cc" "g++" "gcc" ];
  gitMinimal = program "git-minimal" [ "git" ];
  glib = library "glib" "libglib-2.0.so.0";
  gnugrep = applets "gnugrep" [ "egrep" "fgrep" "grep" ];
  gnused = applets "gnused" [ "sed" ];
  gnutar = applets "gnutar" [ "tar" ];
  gzip = applets "gzip" [ "gunzip" "gzip" "zcat" ];
  libGL = library "libglvnd" "libGL.so.1";
  nodejs_24 = program "nodejs" [ "node" "npm" ];
  unzip = applets "unzip" [ "unzip" ];
  skopeo = program "skopeo" [ "skopeo" ];
  uv = program "uv" [ "uv" ];
  which = applets "which" [ "which" ];

  cacert = pkgs.runCommand "nss-cacert" { } ''
    mkdir -p "$out/etc/ssl/certs"
    echo "no certificates: a stand-in" > "$out/etc/ssl/certs/ca-bundle.crt"
  '';
  tzdata = pkgs.runCommand "tzdata" { } ''
    mkdir -p "$out/share/zoneinfo"
    printf 'TZif' > "$out/share/zoneinfo/UTC"
  '';

  # Sets the search path of ELF files to where their libraries are: in the package itself, then in
  # the build inputs; a library that nobody has fails the build unless a pattern ignores it.
  autoPatchelfHook = runCommand "auto-patchelf-hook" { hook = ./auto-patchelf.sh; } ''
    mkdir -p "$out/nix-support" "$out/bin"
    ln -s ${patchelf}/bin/patchelf "$out/bin/patchelf"
    cp "$hook" "$out/nix-support/setup-hook"
  '';
}
