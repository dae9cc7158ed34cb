import { limits } from '../host/limits.ts';
import { preview } from '../host/preview.ts';
import type { Derivation } from '../nix/derivation.ts';
import { structuredFields } from './facts.ts';
import { commandsOf, programAndArguments } from './shell.ts';
import { storePathsIn } from './store-paths.ts';

/** The store paths that a script runs, and those that it names otherwise, which may be in what it makes. */
export interface ScriptPaths {
  run: readonly string[];
  named: readonly string[];
}

/** Programs that run a script which is one of their arguments. */
const runners = /^(?:unshare|chroot|proot|fakechroot|(?:ba|da)?sh|source|\.|eval)$/;

/** Where a shell looks for programs and libraries, which is what it runs by. */
const searchPath = /^\w*PATH=/;

/** Reads the commands of a shell script; one that it only writes somewhere names all its paths. */
export function scriptPaths(script: string): ScriptPaths {
  const run: string[] = [];
  const named: string[] = [];
  for (const { words, written } of commandsOf(script)) {
    const isRun = written ? () => false : runWords(words);
    for (const word of words) (isRun(word) ? run : named).push(...storePathsIn(word));
  }
  return { run, named };
}

/** The words of a command that are run: its program, or what a program of `runners` is given. */
function runWords(words: readonly string[]): (word: string) => boolean {
  const [program = ''] = programAndArguments(words);
  if (runners.test(program)) return () => true;
  const first = words.find(word => word === program || word.endsWith(`/${program}`));
  return word => word === first || searchPath.test(word);
}

/** Attributes that hold commands, by the names that nixpkgs gives them. */
const scriptName = /(?:Commands?|Phase|Hook|Script)$|^(?:pre|post)[A-Z]\w*$|^runAsRoot$/;

/** The texts of a derivation: scripts that run when it is built, and all others. */
function textsOf({ env, args }: Derivation): { scripts: string[]; others: string[] } {
  const structured = env.get('__json');
  const texts = structured === undefined ? env : structuredTexts(structured);
  const isScript = ([name, text]: [string, string]) =>
    !['text', 'content', 'meta'].includes(name) && (scriptName.test(name) || text.includes('\n'));
  const { scripts = [], others = [] } = Object.groupBy(texts, each =>
    isScript(each) ? 'scripts' : 'others',
  );
  return {
    scripts: [...scripts.map(([, text]) => text), ...args],
    others: others.filter(([name]) => name !== 'builder').map(([, text]) => text),
  };
}

/** Lists and sets as JSON, in which store paths are found as well. */
function structuredTexts(json: string): Map<string, string> {
  const text = (value: unknown) =>
    typeof value === 'string' ? value : preview(value, limits.message);
  return new Map(structuredFields(json).map(([name, value]) => [name, text(value)]));
}

/** The scripts of a derivation that run when it is built; what it writes to a file is none. */
export const buildScripts = (derivation: Derivation) => textsOf(derivation).scripts;

/** Store paths that a derivation runs when it is built, and names nowhere else. */
export function pathsOnlyRun(derivation: Derivation): ReadonlySet<string> {
  const { scripts, others } = textsOf(derivation);
  const read = scripts.map(scriptPaths);
  const only = new Set([...read.flatMap(({ run }) => run), ...storePathsIn(derivation.builder)]);
  for (const path of read.flatMap(({ named }) => named)) only.delete(path);
  for (const text of others) for (const path of storePathsIn(text)) only.delete(path);
  return only;
}
