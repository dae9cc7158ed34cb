import { describeTarget } from './describe-target.ts';

/** Which targets of a flake's package set are meant. */
export interface VariantSelection {
  /** Names and globs (`*`, `?`); undefined: those whose image is called as that of `own`. */
  patterns: readonly string[] | undefined;
  /** Attributes of which the first that is there is the flake's own image. */
  own: readonly string[];
}

/** Whether a text of the selection is a glob. */
export const isGlob = (pattern: string): boolean => /[*?]/.test(pattern);

/** A name or glob as a regular expression, of JavaScript and of Nix (POSIX, extended). */
export const globPattern = (glob: string): string =>
  glob
    .replace(/[.[\]{}()\\+^$|]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');

/**
 * What `nix eval --apply` is given: a function from a flake's packages of a system to
 * `{ own, targets }`: the name of the flake's own image, and for each target that is meant its description
 * as `describe-target.ts` has it, or null where it cannot be evaluated. Globs mean images alone.
 * @param among names of attributes; undefined: all
 */
export const describeVariants = (
  { patterns, own }: VariantSelection,
  among?: readonly string[],
): string => /* nix */ `
packages:
let
  describe = ${describeTarget};
  among = ${among === undefined ? 'builtins.attrNames packages' : nixList(among)};
  named = ${nixList((patterns ?? []).filter(pattern => !isGlob(pattern)))};
  globs = ${nixList((patterns ?? []).filter(isGlob).map(globPattern))};
  present = builtins.filter (name: packages ? \${name}) ${nixList(own)};

  # the name of the image that a target is or makes; null where it is none
  imageOf = target:
    let recipe = target.passthru.recipe or (target.recipe or null); in
    if !builtins.isAttrs target then null
    else if builtins.isAttrs recipe then recipe.name or null
    else target.imageName or null;
  attempt = value: builtins.tryEval (builtins.deepSeq value value);

  ownName = if present == [ ] then null else imageOf packages.\${builtins.head present};
  isCalled = name: builtins.any (glob: builtins.match glob name != null) globs;
  isMeant = ${patterns === undefined ? 'image: image == ownName' : 'image: image != null'};
  isWanted = name:
    builtins.elem name named
    || ${patterns === undefined ? 'ownName != null' : 'isCalled name'}
    && (let image = attempt (imageOf packages.\${name}); in !image.success || isMeant image.value);

  described = name:
    let tried = attempt (describe packages.\${name}); in
    { inherit name; value = if tried.success then tried.value else null; };
in
{
  own = ${patterns === undefined ? 'ownName' : 'null'};
  targets = builtins.listToAttrs (map described (builtins.filter isWanted among));
}
`;

const nixList = (texts: readonly string[]) => `[ ${texts.map(nixText).join(' ')} ]`;

/** A text of Nix's language. */
const nixText = (text: string) =>
  `"${text.replace(/["\\]|\$(?=\{)/g, '\\$&').replace(/\n/g, '\\n')}"`;
