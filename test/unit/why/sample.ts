import type { KeptDerivation, KeptDerivations } from '../../../src/why/kept.ts';

/** A derivation in few words: what it is called, is built from and says. */
export interface Sketch {
  name: string;
  inputs?: readonly string[];
  sources?: Readonly<Record<string, string>>;
  fields?: Readonly<Record<string, string>>;
}

/**
 * Derivations by what they are called in the test, with the layers that they are targets of. What one makes
 * is another thing where it, or anything that it is built from, says something else.
 */
export function kept(
  sketches: Readonly<Record<string, Sketch>>,
  layers: Readonly<Record<string, readonly string[]>>,
): KeptDerivations {
  const keys = Object.keys(sketches);
  const placeOf = (key: string) => keys.indexOf(key);
  const idOf = (key: string): string => {
    const { name, inputs = [], sources, fields = {} } = sketches[key] ?? { name: key };
    const from = 'outputHash' in fields ? [] : inputs.map(idOf);
    return JSON.stringify([name, from, sources, fields]);
  };
  return {
    derivations: keys.map((key): KeptDerivation => {
      const { name, inputs = [], sources = {}, fields = {} } = sketches[key] ?? { name: key };
      return {
        name,
        id: idOf(key),
        inputs: inputs.map(placeOf),
        sources: Object.entries(sources),
        marks: new Map(Object.entries(fields)),
      };
    }),
    layers: new Map(Object.entries(layers).map(([name, of]) => [name, of.map(placeOf)])),
  };
}
