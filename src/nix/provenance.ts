/**
 * Nix code: a function from a flake's target to what its packages' values say and their derivations do
 * not, as JSON: `{ own, nixpkgs, unfree }`. `nixpkgs` are derivations that are written in nixpkgs alone;
 * `own` are those that are written elsewhere, or changed there: an attribute keeps the place where it
 * was written, also through `overrideAttrs` and overlays. `unfree` are those with a licence that is not
 * free. Downloads are left out of the first two: their hash says what they are.
 *
 * It goes from the recipe's targets to all derivations that are attributes of a derivation, in lists
 * or alone, or its `paths`, and to the arguments of dockerTools and of folders of links. What only a text
 * refers to is a store path by then, and says nothing of its origin.
 */
export const describeProvenance = /* nix */ `
target:
let
  plain = builtins.unsafeDiscardStringContext;
  listOf = value: if builtins.isList value then value else [ ];
  isDerivation = value: builtins.isAttrs value && value.type or null == "derivation";
  derivationsIn = value:
    if isDerivation value then [ value ]
    else if builtins.isList value then builtins.concatMap derivationsIn value
    else [ ];

  recipe = target.passthru.recipe or (target.recipe or { });
  roots = [ target ]
    ++ map (layer: layer.targets or (layer.target or null)) (listOf (recipe.layers or [ ]))
    ++ map (folder: folder.from or null) (listOf (recipe.folders or [ ]))
    ++ listOf (recipe.root or [ ]);

  # What an image or a folder of links was asked to hold, which is text in its derivation: buildImage
  # says it; streamLayeredImage, buildEnv and withPackages tell it through \`override\`.
  argumentsOf = value:
    let
      accepted = value.override.__functionArgs or { };
      told = value.override (arguments: {
        passthru = (arguments.passthru or { }) // { inherit arguments; };
      });
    in
    if value ? pname || value ? paths then { }
    else if value ? imageName && value ? buildArgs then value.buildArgs
    else if accepted ? passthru && (accepted ? contents || accepted ? paths) then told.arguments or { }
    else if accepted ? extraLibs && accepted ? buildEnv then
      value.override { buildEnv = arguments: arguments; }
    else { };
  heldBy = arguments:
    map (name: arguments.\${name} or null) [ "contents" "copyToRoot" "fromImage" "paths" ]
    ++ builtins.attrValues (if builtins.isAttrs (arguments.config or null) then arguments.config else { });

  inputsOf = value: derivationsIn (
    builtins.attrValues (value.drvAttrs or { })
    ++ map (chosen: chosen.paths or null) (listOf (value.drvAttrs.chosenOutputs or null))
    ++ [ (value.paths or null) (if value ? imageName then value.stream or null else null) ]
    ++ heldBy (argumentsOf value)
  );

  node = value: { key = plain value.drvPath; inherit value; };
  reached = builtins.genericClosure {
    startSet = map node (derivationsIn roots);
    operator = { value, ... }: map node (inputsOf value);
  };

  # The source tree in which a package is written: the first folder in the store of its position.
  treeOf = value:
    let
      position = builtins.tryEval (plain (value.meta.position or ""));
      found = builtins.match "(\${builtins.storeDir}/[^/]+)/.*"
        (if position.success then position.value else "");
    in
    if found == null then "" else builtins.head found;
  isNixpkgs = tree: tree != "" && builtins.pathExists (tree + "/pkgs/stdenv");

  built = map ({ key, value }: { inherit key value; tree = treeOf value; })
    (builtins.filter ({ value, ... }: !((value.drvAttrs or { }) ? outputHash)) reached);
  nixpkgs = builtins.filter isNixpkgs (builtins.attrNames (builtins.groupBy (each: each.tree) built));

  # Where the attributes of a derivation are written, of those that are written in the store. What
  # mkDerivation writes anew, whoever gives it, tells nothing and is left out: it is half of them.
  rewritten = [
    "__structuredAttrs" "buildInputs" "cmakeFlags" "configureFlags" "depsBuildBuild"
    "depsBuildBuildPropagated" "depsBuildTarget" "depsBuildTargetPropagated" "depsHostHost"
    "depsHostHostPropagated" "depsTargetTarget" "depsTargetTargetPropagated" "doCheck" "doInstallCheck"
    "mesonFlags" "nativeBuildInputs" "outputs" "propagatedBuildInputs" "propagatedNativeBuildInputs"
    "stdenv" "strictDeps" "system" "userHook"
  ];
  isBelow = folder:
    let begin = folder + "/"; length = builtins.stringLength begin; in
    file: builtins.substring 0 length file == begin;
  isInStore = isBelow builtins.storeDir;
  isBelowOne = folders:
    let
      isInFirst = isBelow (builtins.head folders);
      tests = map isBelow (builtins.tail folders);
    in
    if folders == [ ] then _: false
    else file: isInFirst file || builtins.any (test: test file) tests;
  isInNixpkgs = isBelowOne nixpkgs;
  hasAttribute = isThere: attributes:
    builtins.any
      (name:
        let at = builtins.unsafeGetAttrPos name attributes; in
        at != null && isThere at.file)
      (builtins.attrNames (removeAttrs attributes rewritten));
  isElsewhere = file: !isInNixpkgs file && isInStore file;

  originOf = { value, tree, ... }:
    let attributes = value.drvAttrs or { }; in
    if tree != "" && !builtins.elem tree nixpkgs || hasAttribute isElsewhere attributes then "own"
    else if tree != "" || hasAttribute isInNixpkgs attributes then "nixpkgs"
    else "unseen";
  byOrigin = builtins.groupBy originOf built;
  keysOf = map (each: each.key);

  isUnfree = licence:
    if builtins.isAttrs licence then licence.free or true == false else licence == "unfree";
  nameOf = licence: licence.shortName or (licence.fullName or "unfree");
  licencesOf = value:
    let
      read = builtins.tryEval (value.meta.license or [ ]);
      all = if !read.success then [ ] else if builtins.isList read.value then read.value else [ read.value ];
    in
    map nameOf (builtins.filter isUnfree all);
in
{
  own = keysOf (byOrigin.own or [ ]);
  nixpkgs = keysOf (byOrigin.nixpkgs or [ ]);
  unfree = builtins.concatMap (
    { key, value }:
    let licences = licencesOf value; in
    if licences == [ ] then [ ]
    else [ { drv = key; licence = builtins.concatStringsSep ", " licences; } ]
  ) reached;
}
`;
