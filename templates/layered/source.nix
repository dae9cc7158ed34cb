# A Git source of wheels.lock.json, at its pinned revision: name -> folder in the store.
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
if github == null then
  pkgs.fetchgit { inherit (pin) url rev hash; }
else
  pkgs.fetchFromGitHub {
    owner = builtins.elemAt github 0;
    repo = builtins.elemAt github 1;
    inherit (pin) rev hash;
  }
