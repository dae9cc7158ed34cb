# Wheels of wheels.lock.json, and what is made of them. Nothing asks an index, nothing resolves
# versions.
{ pkgs, variant }:
let
  inherit (pkgs) lib;

  # The wheels of a list of packages.nix that this variant has, as trees, or why it cannot be built.
  chosen =
    { required, optional }:
    map (name: tree (variant.wheels.${name} or (missing name) // { inherit name; })) (
      required ++ lib.filter (name: variant.wheels ? ${name}) optional
    );

  missing =
    name:
    throw ''
      ${variant.name} cannot be built: wheels.lock.json has no wheel of "${name}"
      for ${variant.system}, ${variant.cuda}, ${variant.abi}.
      Look for it with comfy-nix prefetch (wheels.toml says what is wanted), or build
      another variant: nix flake show.'';

  # Store paths may not hold "%"; "+cu130" is what the address means.
  fileName = url: lib.replaceStrings [ "%2B" "%2b" ] [ "+" "+" ] (baseNameOf url);

  # One wheel as a folder for PYTHONPATH, as it is: not patched, not compiled. It is fetched and
  # unpacked in one step as a fixed output, so its path depends on its name and content alone, and
  # stays when nixpkgs, Python or CUDA move. Its libraries find others by /usr/local/cuda/lib64.
  tree =
    wheel:
    let
      name = "${wheel.name}-${wheel.version}";
      python = "${pkgs.python3}/bin/python3";
      # without `unpacked` (comfy-nix prefetch --unpacked) it moves with nixpkgs like any other package
      derivation =
        if wheel ? unpacked then
          pkgs.fetchurl {
            inherit name;
            inherit (wheel) url;
            hash = wheel.unpacked;
            recursiveHash = true;
            downloadToTemp = true;
            postFetch = ''
              ${python} ${./unpack-wheel.py} "$downloadedFile" "$out"
            '';
          }
        else
          pkgs.runCommand name
            {
              src = pkgs.fetchurl {
                inherit (wheel) url hash;
                name = fileName wheel.url;
              };
            }
            ''
              ${python} ${./unpack-wheel.py} "$src" "$out"
            '';
    in
    derivation // { project = wheel.name; };

  # The modules of wheels that stand at `place` of the image, compiled, which the image cannot do: the
  # store is read-only there. It holds folders __pycache__ alone, to be merged with the wheels, whose
  # own paths must not depend on a patch release of Python.
  bytecode =
    name: place: trees:
    pkgs.runCommand "bytecode-${name}-${variant.abi}"
      {
        inherit trees;
        # a path of the store would bring the wheel of this Python into every image
        allowedReferences = [ ];
      }
      ''
        PYTHONHASHSEED=0 ${variant.python}/bin/python3 ${./bytecode.py} ${place} "$out" $trees
      '';

  # Where a wheel of NVIDIA's has its libraries and headers.
  nvidiaFolder =
    tree:
    let
      project = builtins.match "nvidia-(.*)-cu[0-9]+" tree.project;
    in
    if project == null then
      "nvidia/cu${lib.head (lib.splitString "." variant.cudaVersion)}"
    else
      "nvidia/" + lib.replaceStrings [ "-" ] [ "_" ] (lib.head project);
in
{
  inherit bytecode chosen nvidiaFolder;
}
