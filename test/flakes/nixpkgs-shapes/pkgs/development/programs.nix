# Programs and libraries, each with a source from somewhere.
pkgs:
let
  program =
    pname: version: more:
    pkgs.stdenv.mkDerivation (
      {
        inherit pname version;
        src = pkgs.fetchurl {
          url = "https://files.example.org/${pname}-${version}.tar.gz";
          hash = "sha256:${builtins.hashString "sha256" pname}";
        };
      }
      // more
    );
in
builtins.mapAttrs (pname: version: program pname version { }) {
  bash = "5.3";
  cacert = "3.117";
  coreutils = "9.8";
  curl = "8.17";
  fakeroot = "1.37";
  ffmpeg = "8.0";
  git = "2.51";
  glibc = "2.42";
  jq = "1.8";
  makeWrapper = "1.0";
  moreutils = "0.70";
  qemu = "10.1";
  rsync = "3.4";
  tarsum = "1.0";
  tzdata = "2025b";
  zlib = "1.3";
}
// {
  inherit program;
}
