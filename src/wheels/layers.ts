import { normalizeName } from './wheel-name.ts';

/** Where a wheel goes that no rule names. */
const usualLayer = 'dependencies';

/** A layer's name → names of projects, and patterns such as "nvidia-*". */
export type LayerRules = Readonly<Record<string, readonly string[]>>;

/** The layer with the longest pattern that fits a project. */
export function layerIn(layers: LayerRules, name: string): string {
  const fitting = Object.entries(layers).flatMap(([layer, patterns]) =>
    patterns.filter(pattern => fits(pattern, name)).map(pattern => ({ layer, pattern })),
  );
  return fitting.sort((a, b) => b.pattern.length - a.pattern.length)[0]?.layer ?? usualLayer;
}

/** A pattern is a name with `*` for anything at its end. */
const fits = (pattern: string, name: string): boolean =>
  pattern.endsWith('*')
    ? name.startsWith(pattern.slice(0, -1).toLowerCase())
    : name === normalizeName(pattern);
