# A source of wheels.lock.json, as it is pinned: name -> the folder of a checkout, or a source archive.
{ pkgs, sources }:
name:
let
  pin =
    sources.${name} or (throw ''
      wheels.lock.json has no source "${name}".
      Add it to [sources] of wheels.toml and run: comfy-nix prefetch'');

  address = pkgs.lib.removeSuffix ".git" pin.url;
  github = builtins.match "https://github.com/([^/]+)/([^/]+)" address;
in
if !pin ? rev then
  pkgs.fetchurl { inherit (pin) url hash; }
else if github == null then
  pkgs.fetchgit { inherit (pin) url rev hash; }
else
  pkgs.fetchFromGitHub {
    owner = builtins.elemAt github 0;
    repo = builtins.elemAt github 1;
    inherit (pin) rev hash;
  }
