import { lstatSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';

/** What a derivation makes and needs: enough for graphs, and small enough to hold many. */
export interface DerivationNode {
  /** Output name → store path; "" where the path is known only after the build. */
  outputs: ReadonlyMap<string, string>;
  /** Derivation path → names of its outputs that are needed. */
  inputDrvs: ReadonlyMap<string, readonly string[]>;
  inputSrcs: readonly string[];
  /** For example "x86_64-linux", or "builtin". */
  system: string;
  /** Built anew each time, outside of the sandbox (`__impure`). */
  impure?: true;
}

/** A whole derivation. */
export interface Derivation extends DerivationNode {
  builder: string;
  args: readonly string[];
  env: ReadonlyMap<string, string>;
}

/** Derivation path → derivation, closed under `inputDrvs`. */
export type DerivationGraph = ReadonlyMap<string, DerivationNode>;

/** Files that are read before other work has its turn: a few milliseconds. */
const batchSize = 32;

/**
 * Parses a .drv file, an ATerm:
 * `Derive([outputs],[inputDrvs],[inputSrcs],"system","builder",[args],[env])`, where an output is
 * `(name,path,hashAlgo,hash)`, an input derivation `(path,[outputs])`, an env entry `(name,value)`.
 * Source: Nix manual, "Derivation ATerm format", and Nix's src/libstore/derivations.cc.
 * Throws a {@link Failure} that says what was expected and where.
 */
export function parseDerivation(text: string, keep?: Keep): Derivation {
  return readWhole(readerOf(text), keep);
}

/** Parses what a .drv file says first, what it makes and needs, and no further. */
export function parseDerivationNode(text: string, keep?: Keep): DerivationNode {
  return readNode(readerOf(text), keep);
}

/**
 * Reads the derivations and all that they are built from out of the store, each file once.
 * Rejects with a {@link Failure} that names a file that is missing or broken.
 */
export function readDerivationGraph(
  drvPaths: Iterable<string>,
  place?: string,
): Promise<DerivationGraph> {
  // the part that is read has nothing but ASCII in it, and this decodes fastest
  return readGraph(drvPaths, 'latin1', parseDerivationNode, place);
}

/**
 * Reads the same graph with what `view` makes of each whole derivation. Much of a .drv file's text is
 * worth a look and not its memory: what a view keeps of it goes through `keep`.
 * Rejects with a {@link Failure} that names a file that is missing or broken.
 */
export function readDerivations<T extends DerivationNode>(
  drvPaths: Iterable<string>,
  view: (derivation: Derivation, drvPath: string, keep: Keep) => T,
  place?: string,
): Promise<Map<string, T>> {
  const read = (text: string, keep: Keep, drvPath: string) =>
    view(parseDerivation(text, keep), drvPath, keep);
  return readGraph(drvPaths, 'utf8', read, place);
}

/** Reads one whole derivation from its file, which is in `place`. Throws a {@link Failure} naming the file. */
export function readDerivationFile(drvPath: string, place?: string): Derivation {
  return readFile(drvPath, 'utf8', text => parseDerivation(text), place);
}

async function readGraph<T extends DerivationNode>(
  drvPaths: Iterable<string>,
  encoding: 'latin1' | 'utf8',
  read: (text: string, keep: Keep, drvPath: string) => T,
  place?: string,
): Promise<Map<string, T>> {
  const graph = new Map<string, T>();
  const keep = interning();
  const pending = new Set(drvPaths); // grows while it is read: breadth first
  for (const drvPath of pending) {
    const node = readFile(drvPath, encoding, text => read(text, keep, drvPath), place);
    graph.set(drvPath, node);
    for (const input of node.inputDrvs.keys()) pending.add(besides(drvPath, input));
    if (graph.size % batchSize === 0) await otherWork();
  }
  return graph;
}

/** An input of a derivation, which lies in the same store: a text there may be of anybody's making. */
function besides(drvPath: string, input: string): string {
  if (dirname(input) === dirname(drvPath) && input.endsWith('.drv')) return input;
  throw broken(drvPath, `its input ${JSON.stringify(input)} is no derivation of the same store`);
}

/** Reads one derivation's node from its file. Throws a {@link Failure} naming the file. */
export function readDerivationNode(drvPath: string, place?: string): DerivationNode {
  return readFile(drvPath, 'latin1', text => parseDerivationNode(text, interning()), place);
}

/**
 * Small files, many of them, most of them in memory: read one by one they take half the time.
 *
 * @param place the folder in which the store's files are: another one than it is called in chroot stores
 */
function readFile<T>(
  drvPath: string,
  encoding: 'latin1' | 'utf8',
  read: (text: string) => T,
  place = dirname(drvPath),
): T {
  try {
    // a link may lead out of the store, and what is no derivation is quoted in the error
    const file = join(place, basename(drvPath));
    const stats = lstatSync(file);
    if (!stats.isFile()) throw new Error('it is no file');
    if (stats.size > limits.derivation) throw new Error(`it has ${stats.size} bytes`);
    return read(readFileSync(file, encoding));
  } catch (error) {
    throw broken(drvPath, error instanceof Error ? error.message : String(error), error);
  }
}

const broken = (drvPath: string, reason: string, cause?: unknown) =>
  new Failure(`The derivation ${drvPath} cannot be read: ${reason}`, {
    next: 'Run nix-store --verify --check-contents, or evaluate again.',
    cause,
  });

/** Gives a text that may be kept for long. */
export type Keep = (text: string) => string;

/**
 * Keeps each text once, as a copy: part of a string holds all of it in memory, and a graph says most
 * of its paths many times.
 */
function interning(): Keep {
  const known = new Map<string, string>();
  return text => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const copy = Buffer.from(text).toString();
    known.set(copy, copy);
    return copy;
  };
}

function readNode(reader: Reader, keep: Keep = text => text): DerivationNode {
  const keptString = () => keep(reader.string());
  let isImpure = false;
  reader.expect('Derive(');
  const outputs = reader.list((): [string, string] => {
    reader.expect('(');
    const name = keptString();
    reader.expect(',');
    const path = keptString();
    reader.expect(',');
    reader.string(); // hash algorithm
    reader.expect(',');
    if (reader.string() === 'impure') isImpure = true; // in the place of a hash
    reader.expect(')');
    return [name, path];
  });
  reader.expect(',');
  const inputDrvs = reader.list((): [string, string[]] => {
    reader.expect('(');
    const path = keptString();
    reader.expect(',');
    const names = reader.list(keptString);
    reader.expect(')');
    return [path, names];
  });
  reader.expect(',');
  const inputSrcs = reader.list(keptString);
  reader.expect(',');
  const system = keptString();
  const node = { outputs: new Map(outputs), inputDrvs: new Map(inputDrvs), inputSrcs, system };
  return isImpure ? { ...node, impure: true } : node;
}

function readWhole(reader: Reader, keep?: Keep): Derivation {
  const node = readNode(reader, keep);
  reader.expect(',');
  const builder = reader.string();
  reader.expect(',');
  const args = reader.list(reader.string);
  reader.expect(',');
  const env = reader.list((): [string, string] => {
    reader.expect('(');
    const name = reader.string();
    reader.expect(',');
    const value = reader.string();
    reader.expect(')');
    return [name, value];
  });
  reader.expect(')');
  return { ...node, builder, args, env: new Map(env) };
}

interface Reader {
  expect(token: string): void;
  string(): string;
  list<T>(item: () => T): T[];
}

function readerOf(text: string): Reader {
  let at = 0;
  const expect = (token: string) => {
    if (!text.startsWith(token, at)) {
      const found = text.slice(at, at + 20);
      throw new Failure(`expected ${token} at character ${at}, found ${JSON.stringify(found)}`);
    }
    at += token.length;
  };
  const string = () => {
    expect('"');
    const start = at;
    at = endOfString(text, start);
    const raw = text.slice(start, at);
    at += 1;
    return raw.includes('\\') ? unescaped(raw) : raw;
  };
  const list = <T>(item: () => T): T[] => {
    const items: T[] = [];
    expect('[');
    while (text[at] !== ']') {
      if (items.length > 0) expect(',');
      items.push(item());
    }
    at += 1;
    return items;
  };
  return { expect, string, list };
}

/** Where the closing quote is of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start);
  while (at >= 0) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\' && at - 1 - backslashes >= start) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  throw new Failure(`the string at character ${start} does not end`);
}

const escapes = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/** Piece by piece: phases of a package have hundreds of escapes, and a graph has many of them. */
function unescaped(raw: string): string {
  let text = '';
  let from = 0;
  for (let at = raw.indexOf('\\'); at >= 0; at = raw.indexOf('\\', from)) {
    const letter = raw[at + 1] ?? '';
    text += raw.slice(from, at) + (escapes.get(letter) ?? letter);
    from = at + 2;
  }
  return text + raw.slice(from);
}
