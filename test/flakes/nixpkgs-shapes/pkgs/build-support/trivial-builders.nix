# runCommand, texts and folders of links.
pkgs:
let
  runCommand =
    name: attributes: buildCommand:
    pkgs.stdenv.mkDerivation (
      {
        inherit name buildCommand;
        enableParallelBuilding = true;
        passAsFile = [ "buildCommand" ];
      }
      // attributes
    );

  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
    }:
    runCommand name
      {
        inherit text executable destination;
        passAsFile = [
          "buildCommand"
          "text"
        ];
      }
      ''
        target=$out$destination
        mkdir -p "$(dirname "$target")"
        mv "$textPath" "$target"
      '';

  shebang = text: ''
    #!${pkgs.bash}/bin/bash
    ${text}
  '';
in
{
  inherit runCommand writeTextFile;
  writeText = name: text: writeTextFile { inherit name text; };
  writeShellScript =
    name: text:
    writeTextFile {
      inherit name;
      executable = true;
      text = shebang text;
    };
  writeShellScriptBin =
    name: text:
    writeTextFile {
      inherit name;
      executable = true;
      destination = "/bin/${name}";
      text = shebang text;
    };
  symlinkJoin =
    {
      name,
      paths,
      postBuild ? "",
      ...
    }@attributes:
    runCommand name (removeAttrs attributes [ "name" "postBuild" ] // {
      passAsFile = [
        "buildCommand"
        "paths"
      ];
    }) "mkdir $out; ${postBuild}";

  # The newest form: attributes as JSON, `paths` for evaluation only.
  buildEnv =
    {
      name,
      paths,
      passthru ? { },
    }:
    pkgs.stdenv.mkDerivation {
      inherit name;
      __structuredAttrs = true;
      chosenOutputs = map (path: {
        paths = [ path ];
        priority = 5;
      }) paths;
      buildCommand = "perl builder.pl";
      passthru = passthru // {
        inherit paths;
      };
    };
  linkFarm =
    name: entries:
    runCommand name { } ''
      mkdir $out
      ${builtins.concatStringsSep "\n" (map (entry: "ln -s ${entry.path} $out/${entry.name}") entries)}
    '';
}
