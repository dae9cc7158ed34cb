# Wheels of wheels.lock.json, and what is made of them. Nothing asks an index, nothing resolves
# versions.
{
  pkgs,
  variant,
  order,
}:
let
  inherit (pkgs) lib;

  # The wheels that this variant has in a layer, as trees, in the order of packages.nix and else by their
  # names; or why it cannot be built.
  ofLayer =
    layer:
    let
      isIn = name: variant.wheels.${name}.layer or (unplaced name) == layer;
      names = lib.filter isIn (lib.attrNames variant.wheels);
    in
    if variant.wheels ? torch then map named (ordered names) else missing "torch";

  named = name: tree (variant.wheels.${name} or (missing name) // { inherit name; });

  isOf = ranked: name: name == ranked || lib.hasPrefix "${ranked}-cu" name;
  isRanked = name: lib.any (ranked: isOf ranked name) order;
  ordered =
    names:
    lib.filter (name: !isRanked name) names
    ++ lib.concatMap (ranked: lib.filter (isOf ranked) names) order;

  missing =
    name:
    throw ''
      ${variant.name} cannot be built: wheels.lock.json has no wheel of "${name}"
      for ${variant.system}, ${variant.cuda}, ${variant.abi}.
      Look for it with comfy-nix prefetch (wheels.toml says what is wanted), or build
      another variant: nix flake show.'';

  unplaced =
    name:
    throw ''
      wheels.lock.json does not say in which layer "${name}" is. Write [layers] into wheels.toml, as
      docs/prefetch.md of comfy-nix has it, and run comfy-nix prefetch.'';

  # Store paths may not hold "%"; "+cu130" is what the address means.
  fileName = url: lib.replaceStrings [ "%2B" "%2b" ] [ "+" "+" ] (baseNameOf url);

  # One wheel as the tree that `pip install --target` would make of it, for PYTHONPATH; what goes where
  # is a rule of comfy-nix (its docs/wheel-trees.md). Where the lock has the tree's hash (`unpacked`,
  # by comfy-nix prefetch --unpacked) it is fetched and unpacked in one step, and its path depends on
  # its content and name alone: a new nixpkgs, Python or CUDA makes no new one. Without the hash a plain
  # derivation unpacks the download. It is as it came: not patched, not compiled.
  tree =
    wheel:
    let
      name = lib.replaceStrings [ "!" ] [ "-" ] "${wheel.name}-${wheel.version}";
      nativeBuildInputs = [ pkgs.python3 ];
      # the script compares the wheel's own hash first
      unpackWheel = file: ''python3 ${./unpack-wheel.py} ${file} "$out" ${wheel.hash}'';
      download = pkgs.fetchurl {
        inherit (wheel) url hash;
        name = fileName wheel.url;
      };
      unpacked =
        if wheel ? unpacked then
          pkgs.fetchurl {
            inherit name nativeBuildInputs;
            inherit (wheel) url;
            hash = wheel.unpacked;
            recursiveHash = true;
            downloadToTemp = true;
            postFetch = unpackWheel ''"$downloadedFile"'';
          }
        else
          pkgs.runCommand name { inherit nativeBuildInputs; } (unpackWheel download);
    in
    unpacked // { project = wheel.name; };

  # The modules of wheels that stand at `place` of the image, compiled, which the image cannot do: the
  # store is read-only there. It holds folders __pycache__ alone, to be merged with the wheels, whose
  # own paths must not depend on a patch release of Python.
  compiled =
    name: place: trees:
    pkgs.runCommand "bytecode-${name}-${variant.abi}"
      {
        inherit trees;
        # what it would refer to would be part of the image
        allowedReferences = [ ];
      }
      ''
        PYTHONHASHSEED=0 ${variant.python}/bin/python3 ${./bytecode.py} ${place} "$out" $trees
      '';

  # The bytecode of a layer's wheels, as layers of the image: it is made anew where one of these wheels is
  # another, so those that change more often have their own. The names do not depend on `trees`, which may
  # be missing.
  bytecode =
    layer: place: trees:
    let
      isAlone = name: isRanked name && variant.wheels.${name}.layer or null == layer;
      alone = lib.filter isAlone (ordered (lib.attrNames variant.wheels));
      of = name: isIts: {
        name = "bytecode-${name}";
        targets = [ (compiled name place (lib.filter isIts trees)) ];
      };
    in
    [ (of layer (tree: !lib.elem tree.project alone)) ]
    ++ map (name: of name (tree: tree.project == name)) alone;

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
  inherit
    bytecode
    named
    nvidiaFolder
    ofLayer
    ;
}
