# A flake of somebody who tries to give GitHub's runner commands, and to make up events of Nix: by
# names, licences, logs and errors. `comfyui` has a name that is none; `plain` is right but for its log.
{
  inputs.busybox = {
    url = "path:/nonexistent";
    flake = false;
  };
  outputs =
    { self, busybox }:
    let
      sh = "${busybox}/bin/busybox";
      evil = "evil\n::save-state name=run::PWN\n::add-mask::built\n::error::PWN";
      image = system: derivation {
        inherit system;
        name = "img";
        builder = sh;
        url = "http://x/\n::error::URL-PWN";
        args = [ "sh" "-c" ''
          ${sh} echo "::error::LOG-PWN"
          ${sh} echo "##[error]OLD-PWN"
          ${sh} printf 'cr\r::error::CR-PWN\n'
          ${sh} printf '\342\200\213::error::ZERO-WIDTH-PWN\n \302\240::error::SPACE-PWN\n'
          ${sh} printf '\033]0;title\007\033[31mred\n'
          ${sh} echo '@nix {"action":"msg","level":0,"msg":"error: FAKE-NIX-ERROR"}' >&2
          ${sh} echo '@nix {"action":"msg","level":1,"msg":"x\n::error::MSG-PWN"}' >&2
          ${sh} echo '@nix {"action":"setPhase","phase":"\u001b[31mPHASE\n::error::PHASE-PWN"}' >&2
          ${sh} mkdir t
          cd t
          ${sh} echo hi > f
          ${sh} tar cf l.tar f
          d=$(${sh} sha256sum l.tar | ${sh} cut -d' ' -f1)
          ${sh} echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$d\"]}}" > c.json
          ${sh} echo '[{"Config":"c.json","RepoTags":["x:y"],"Layers":["l.tar"]}]' > manifest.json
          ${sh} tar cf $out c.json l.tar manifest.json
        '' ];
      };
      meta.license = { shortName = evil; free = false; };
      packages = system: {
        comfyui = image system // { name = evil; inherit meta; };
        plain = image system // { inherit meta; };
        text = image system // { outputName = evil; inherit meta; };
        failing = builtins.throw evil;
        traced = builtins.trace evil (image system);
      };
    in
    {
      packages.x86_64-linux = packages "x86_64-linux";
      packages.aarch64-linux = packages "aarch64-linux";
    };
}
