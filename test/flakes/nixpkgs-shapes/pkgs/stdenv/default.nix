# mkDerivation: the attributes of a derivation of nixpkgs, and `meta` with its position.
pkgs:
let
  # a path that exists for evaluation alone
  shell = builtins.toFile "bash" "";

  position =
    arguments:
    let
      of = name: builtins.unsafeGetAttrPos name arguments;
      found = if arguments ? version then of "version" else of "name";
    in
    if found == null then null else "${found.file}:${toString found.line}";

  mkDerivation =
    arguments:
    let
      name = arguments.name or "${arguments.pname}-${arguments.version}";
      lists = builtins.listToAttrs (
        map
          (list: {
            name = list;
            value = arguments.${list} or [ ];
          })
          [
            "buildInputs"
            "nativeBuildInputs"
            "propagatedBuildInputs"
          ]
      );
      drv = derivation (
        removeAttrs arguments [
          "meta"
          "passthru"
        ]
        // lists
        // {
          inherit name;
          inherit (pkgs) system;
          builder = shell;
          args = [ "-e" ./default-builder.sh ];
          stdenv = stdenvDerivation;
        }
      );
    in
    drv
    // { inherit (arguments) passthru; } // arguments.passthru
    // {
      overrideAttrs = change: mkDerivation (arguments // change arguments);
      meta = (arguments.meta or { }) // {
        position = position arguments;
      };
    };

  stdenvDerivation = derivation {
    name = "stdenv-linux";
    inherit (pkgs) system;
    builder = shell;
  };
in
{
  stdenv.mkDerivation = arguments: mkDerivation ({ passthru = { }; } // arguments);
}
