/**
 * Nix code: a function from a flake's target to what its packages' `meta` says, as JSON:
 * `{ own, unfree }`. `own` are derivations of packages that are defined outside of nixpkgs, by the
 * place where their attributes are written; `unfree` are those with a licence that is not free.
 *
 * It goes from the recipe's targets to all derivations that are attributes of a derivation, in lists
 * or alone. What only a text refers to is a store path by then, and has no `meta`.
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
    ++ listOf (recipe.root or [ ]);
  inputsOf = value:
    derivationsIn (builtins.attrValues (value.drvAttrs or { }) ++ [ (value.paths or [ ]) ]);

  node = value: { key = plain value.drvPath; inherit value; };
  reached = builtins.genericClosure {
    startSet = map node (derivationsIn roots);
    operator = { value, ... }: map node (inputsOf value);
  };

  # The source tree in which a package is written: the first folder in the store of its position.
  treeOf = { value, ... }:
    let
      position = builtins.tryEval (plain (value.meta.position or ""));
      found = builtins.match "(\${builtins.storeDir}/[^/]+)/.*"
        (if position.success then position.value else "");
    in
    if found == null then "" else builtins.head found;
  byTree = builtins.groupBy treeOf reached;
  isNixpkgs = tree: builtins.pathExists (tree + "/pkgs/stdenv");
  ownTrees = builtins.filter (tree: tree != "" && !isNixpkgs tree) (builtins.attrNames byTree);

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
  own = builtins.concatMap (tree: map (found: found.key) byTree.\${tree}) ownTrees;
  unfree = builtins.concatMap (
    { key, value }:
    let licences = licencesOf value; in
    if licences == [ ] then [ ]
    else [ { drv = key; licence = builtins.concatStringsSep ", " licences; } ]
  ) reached;
}
`;
