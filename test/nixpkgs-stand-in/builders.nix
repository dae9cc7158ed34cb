# The trivial builders.
pkgs:
let
  inherit (pkgs) lib stdenv;

  runCommand =
    name: attributes: buildCommand:
    stdenv.mkDerivation ({ inherit name buildCommand; } // attributes);

  writeTextFile =
    {
      name,
      text,
      destination ? "",
      executable ? false,
    }:
    runCommand name { inherit text; } ''
      file=$out${destination}
      mkdir -p "$(dirname "$file")"
      printf %s "$text" > "$file"
      ${lib.optionalString executable ''chmod +x "$file"''}
    '';

  script = text: ''
    #!${pkgs.runtimeShell}
    ${text}
  '';
in
{
  inherit runCommand writeTextFile;
  runCommandLocal = runCommand;
  runtimeShell = "${pkgs.bash}/bin/sh";

  writeText = name: text: writeTextFile { inherit name text; };
  writeTextDir =
    path: text:
    writeTextFile {
      name = baseNameOf path;
      destination = "/${path}";
      inherit text;
    };
  writeShellScript =
    name: text:
    writeTextFile {
      inherit name;
      text = script text;
      executable = true;
    };
  writeShellScriptBin =
    name: text:
    writeTextFile {
      inherit name;
      destination = "/bin/${name}";
      text = script text;
      executable = true;
    }
    // {
      meta.mainProgram = name;
    };

  # { name, path } each: a folder of links.
  linkFarm =
    name: entries:
    runCommand name {
      links = lib.concatMapStringsSep "\n" (entry: "${entry.name} ${entry.path}") entries;
    } ''
      mkdir "$out"
      printf '%s\n' "$links" | while read -r link target; do
        [ -n "$link" ] || continue
        mkdir -p "$out/$(dirname "$link")"
        ln -s "$target" "$out/$link"
      done
    '';

  # Folders merged, files as links; what the paths link to is linked to.
  symlinkJoin =
    {
      name,
      paths,
      postBuild ? "",
      ...
    }@attributes:
    runCommand name
      (builtins.removeAttrs attributes [ "name" "postBuild" ] // { inherit paths; })
      ''
        mkdir "$out"
        for path in $paths; do
          (cd "$path" && find . -type d) | while read -r folder; do mkdir -p "$out/$folder"; done
          (cd "$path" && find . ! -type d) | while read -r file; do
            target=$path/$file
            if [ -L "$target" ]; then target=$(readlink "$target"); fi
            [ -e "$out/$file" ] || [ -L "$out/$file" ] || ln -s "$target" "$out/$file"
          done
        done
        ${postBuild}
      '';

  mkShell =
    attributes:
    stdenv.mkDerivation (
      {
        name = "nix-shell";
        buildCommand = "touch $out";
      }
      // attributes
    );
}
