/**
 * What `nix eval --apply` is given: a function from a flake's target to a description of it, as JSON.
 * It is one expression, so that one process evaluates everything. Wrong shapes are described by their
 * type, for `recipe.ts` to complain about; only what cannot be evaluated ends in an error of Nix.
 *
 * The result is `{ target, image, recipe, folders, config, context }`; `recipe` is null where there is
 * none, and holds all of the recipe except for its `folders` and its `config`.
 */
export const describeTarget = /* nix */ `
target:
let
  # Text without its context: what it refers to need not be built to be printed.
  plain = builtins.unsafeDiscardStringContext;

  isDerivation = value: builtins.isAttrs value && value.type or null == "derivation";

  # The fields have names of their own: a set with outPath would be printed as that path alone.
  derivation = value: {
    "$type" = "derivation";
    name = plain value.name;
    system = value.system or null;
    drv = plain value.drvPath;
    output = value.outputName or "out";
    out = plain value.outPath;
  };

  # A value as JSON, with \`onDerivation\` and \`onPath\` applied to what they are named after. What
  # JSON cannot say is described by its type, and so is what lies deeper than anything that is meant
  # to be there: a package set in a wrong place must not be evaluated whole.
  describe = { onDerivation, onPath }@how: depth: value:
    let type = builtins.typeOf value; in
    if isDerivation value then onDerivation value
    else if type == "set" && value ? __toString then "\${value}"
    else if type == "set" && depth > 0 then
      builtins.mapAttrs (_: describe how (depth - 1)) value
    else if type == "list" && depth > 0 then map (describe how (depth - 1)) value
    else if type == "path" then onPath value
    else if builtins.elem type [ "set" "list" "lambda" ] then { "$type" = type; }
    else value;

  describeRecipe = describe {
    onDerivation = derivation;
    onPath = _: { "$type" = "path"; };
  } 4;

  # In the config a derivation, or a file, is its store path.
  describeConfig = describe {
    onDerivation = value: "\${value}";
    onPath = value: "\${value}";
  } 4;

  # What a folder is merged from is text, with what it refers to: derivation -> { outputs }, source ->
  # { path }.
  describeSource = value:
    let
      type = builtins.typeOf value;
      isText = builtins.elem type [ "string" "path" ]
        || type == "set" && (value ? outPath || value ? __toString);
      text = "\${value}";
    in
    if isText then { "$type" = "text"; text = plain text; context = builtins.getContext text; }
    else describeRecipe value;

  describeFolder = folder:
    if builtins.isAttrs folder && builtins.isList (folder.from or null) then
      describeRecipe (builtins.removeAttrs folder [ "from" ]) // {
        from = map describeSource folder.from;
      }
    else describeRecipe folder;

  textOf = name:
    let value = target.\${name} or null; in
    if builtins.isString value then plain value else null;

  recipe = target.passthru.recipe or (target.recipe or null);
  config = if builtins.isAttrs recipe then describeConfig (recipe.config or { }) else { };
  folders = if builtins.isAttrs recipe then recipe.folders or null else null;
in
{
  target = describe { onDerivation = derivation; onPath = _: { "$type" = "path"; }; } 0 target;
  # What dockerTools and nix2container say of an image that they make.
  image = {
    name = textOf "imageName";
    tag = textOf "imageTag";
  };
  recipe = describeRecipe (
    if builtins.isAttrs recipe && !isDerivation recipe
    then builtins.removeAttrs recipe [ "config" "folders" ]
    else recipe
  );
  folders = if builtins.isList folders then map describeFolder folders else describeRecipe folders;
  inherit config;
  # Store paths that the config's text refers to: derivation -> { outputs }, source -> { path }.
  context = builtins.getContext (builtins.toJSON config);
}
`;
