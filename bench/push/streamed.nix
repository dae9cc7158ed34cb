# The image of a conf.json as streamLayeredImage builds it: a script in whose closure are the conf.json,
# the layer that is ready, and all store paths of the others.
{
  conf,
  layer,
  streamer,
  paths,
}:
let
  write =
    name: text:
    derivation {
      inherit name text;
      system = builtins.currentSystem;
      inputs = map builtins.storePath paths;
      builder = "/bin/sh";
      PATH = "/usr/bin:/bin";
      args = [
        "-c"
        ''echo "$text" > "$out" && chmod +x "$out"''
      ];
    };
  copied = builtins.path { path = /. + layer; };
  described = builtins.replaceStrings [ layer ] [ "${copied}" ] (builtins.readFile (/. + conf));
in
write "stream-bench" ''
  #!/bin/sh
  exec python3 ${streamer} ${write "bench-conf.json" described}
''
