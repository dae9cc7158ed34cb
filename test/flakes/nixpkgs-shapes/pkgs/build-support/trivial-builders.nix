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

  # lib.makeOverridable: `override` knows the arguments of the function, and takes a function of those given.
  makeOverridable =
    f: arguments:
    f arguments
    // {
      override = {
        __functionArgs = builtins.functionArgs f;
        __functor =
          _: new:
          makeOverridable f (arguments // (if builtins.isFunction new then new arguments else new));
      };
    };

  shebang = text: ''
    #!${pkgs.bash}/bin/bash
    ${text}
  '';
in
{
  inherit makeOverridable runCommand writeTextFile;
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

  # The form of years: what it links to is a text.
  olderBuildEnv = makeOverridable (
    {
      name,
      paths,
      passthru ? { },
    }:
    runCommand name {
      inherit passthru;
      pkgs = builtins.toJSON (
        map (path: {
          paths = [ path ];
          priority = 5;
        }) paths
      );
    } "perl builder.pl"
  );

  # A newer one: attributes as JSON. The newest has `paths` for evaluation, too.
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
      inherit passthru;
    };
  linkFarm =
    name: entries:
    runCommand name { } ''
      mkdir $out
      ${builtins.concatStringsSep "\n" (map (entry: "ln -s ${entry.path} $out/${entry.name}") entries)}
    '';
}
