# mkDerivation: a derivation that is run by the machine's busybox, with the phases and the hooks of
# nixpkgs' generic builder as far as they are used (generic-builder.sh).
pkgs:
let
  inherit (pkgs) lib system config;

  file =
    name:
    builtins.path {
      name = baseNameOf name;
      path = ./machine + "/${name}";
    };
  shell = "${file "bin"}/busybox";

  # busybox's programs as links, made once: most derivations here do little else
  tools = derivation {
    name = "tools";
    inherit system;
    builder = shell;
    args = [
      "sh"
      "-c"
      "${shell} mkdir $out && ${shell} --install -s $out"
    ];
  };

  notPassed = [
    "meta"
    "passthru"
  ];

  # where a package is written, as nixpkgs says it
  positionOf =
    given:
    let
      found = builtins.unsafeGetAttrPos (if given ? version then "version" else "name") given;
    in
    if found == null then null else "${found.file}:${toString found.line}";

  refused =
    name: meta:
    throw ''
      Package '${name}' has an unfree license ('${meta.license.shortName}'), refusing to evaluate.
      Set config.allowUnfree = true.'';

  mkDerivation =
    arguments:
    let
      given = if builtins.isFunction arguments then lib.fix arguments else arguments;
      name = given.name or "${given.pname}-${given.version}";
      meta = {
        position = positionOf given;
      }
      // given.meta or { };
      allowed = meta.license.free or true || config.allowUnfree or false;
      lists = builtins.listToAttrs (
        map (list: lib.nameValuePair list (given.${list} or [ ])) [
          "nativeBuildInputs"
          "buildInputs"
          "propagatedBuildInputs"
        ]
      );
      drv = derivation (
        builtins.removeAttrs given notPassed
        // lists
        // {
          inherit
            name
            system
            shell
            tools
            ;
          builder = shell;
          args = [
            "sh"
            "-e"
            ./generic-builder.sh
          ];
        }
      );
    in
    drv
    // {
      inherit name meta;
      passthru = given.passthru or { };
      drvPath = if allowed then drv.drvPath else refused name meta;
      outPath = if allowed then drv.outPath else refused name meta;
    }
    // lib.optionalAttrs (given ? pname) { inherit (given) pname version; }
    // given.passthru or { };
in
{
  machineFile = file;
  stdenv = {
    inherit mkDerivation shell;
    hostPlatform = {
      inherit system;
      isx86_64 = system == "x86_64-linux";
      isLinux = true;
    };
    # the libraries of the C++ compiler
    cc = {
      cc = pkgs.standIn.libraries // {
        lib = pkgs.standIn.libraries;
      };
    };
  };
  stdenvNoCC = pkgs.stdenv;
}
