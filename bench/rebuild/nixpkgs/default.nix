# `import nixpkgs { system; config; }`, for packages that weigh something.
arguments:
let
  sizes = builtins.fromJSON (builtins.readFile ./sizes.json); # megabytes of the real ones, compressed
  bytesPerMegabyte = 1000000 / sizes.scale;

  # not the Python that changes: what is built with that is moved by it
  generator = (import ./generator arguments).python3;

  weightOf = sizes.programs // sizes.python;

  weights =
    final: before:
    let
      heavier =
        name: package:
        final.runCommand package.name
          {
            inherit (package) meta;
            nativeBuildInputs = [ generator ];
            script = ''
              import random, sys
              weight = random.Random(sys.argv[1])
              sys.stdout.buffer.write(weight.randbytes(int(sys.argv[2])))
            '';
          }
          ''
            cp -r ${package} "$out"
            chmod -R u+w "$out"
            mkdir -p "$out/share/weights"
            python3 -c "$script" ${name} ${toString (weightOf.${name} * bytesPerMegabyte)} \
              > "$out/share/weights/${name}"
          '';
      heavierIn =
        names: set: set // builtins.mapAttrs heavier (builtins.intersectAttrs names set);
      pythonPackages = heavierIn sizes.python before.python313.pkgs;
    in
    builtins.mapAttrs heavier (builtins.intersectAttrs sizes.programs before)
    // {
      python313 = before.python313 // {
        pkgs = pythonPackages;
        withPackages = choose: before.python313.withPackages (_: choose pythonPackages);
      };
    };
in
import ./stand-in (arguments // { overlays = [ weights ]; })
