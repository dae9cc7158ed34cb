# Derivations without nixpkgs. Each is run by the busybox that was handed in, so that it builds in a
# sandbox without /bin/sh, and begins with base/build.sh, so that a change in base/ rebuilds it.
{ busybox, system }:
let
  # That one file alone, whatever else is in its folder.
  source = builtins.path {
    name = "busybox";
    path = busybox;
    filter =
      path: _type:
      builtins.elem (baseNameOf path) [
        "bin"
        "busybox"
      ];
  };

  shell =
    if builtins.pathExists "${source}/bin/busybox" then
      "${source}/bin/busybox"
    else
      throw ''
        the flake input "busybox" has no bin/busybox. Hand in a folder with a static one:
          mkdir -p DIR/bin && cp /bin/busybox DIR/bin/    (Debian, Ubuntu: package busybox-static)
          nix build path:.#comfyui --override-input busybox path:DIR
        A bare shell, such as the one that Nix ships for its sandbox, lacks mkdir, cp and ln.'';

  # The shell commands `script` make $out; they see `environment` as variables.
  derive =
    name: environment: script:
    derivation (
      environment
      // {
        inherit name system shell;
        builder = shell;
        base = ./base;
        args = [
          "sh"
          "-c"
          ". \"$base/build.sh\"\n${script}"
        ];
      }
    );

  # A folder of links: { "opt/comfyui" = package; } gives $out/opt/comfyui -> package.
  linkTree =
    name: links:
    derive name
      {
        links = builtins.concatStringsSep "\n" (
          map (path: "${path} ${links.${path}}") (builtins.attrNames links)
        );
      }
      ''
        echo "$links" | while read -r path target; do
          mkdir -p "$out/$(dirname "$path")"
          ln -s "$target" "$out/$path"
        done
      '';
in
{
  inherit derive linkTree;
}
