# Fixed-output downloads.
pkgs:
let
  fetch =
    mode: attributes:
    pkgs.stdenv.mkDerivation (
      {
        outputHashMode = mode;
        outputHashAlgo = if attributes.outputHash == "" then "sha256" else null;
        preferLocalBuild = true;
      }
      // attributes
    );
in
{
  lib.fakeHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

  fetchurl =
    {
      url,
      hash,
      name ? baseNameOf url,
    }:
    fetch "flat" {
      inherit name;
      urls = [ url ];
      outputHash = hash;
    };

  fetchFromGitHub =
    {
      owner,
      repo,
      rev ? tag,
      tag ? rev,
      hash,
    }:
    fetch "recursive" {
      name = "source";
      urls = [ "https://github.com/${owner}/${repo}/archive/${rev}.tar.gz" ];
      postFetch = "unpack";
      outputHash = hash;
    };

  fetchgit =
    {
      url,
      rev,
      hash,
    }:
    fetch "recursive" {
      name = baseNameOf url;
      inherit url rev;
      outputHash = hash;
    };
}
