// npm run bench:why: what it takes to tell why an image is made anew whose 20,000 derivations all changed by
// one input: reading them, comparing them with those that are kept, and the words; and the size of what is
// kept. The derivations are files as Nix writes them, about as large as those of nixpkgs. No Nix is needed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { causesOf, chainTo } from '../src/why/causes.ts';
import { compareDerivations } from '../src/why/compare.ts';
import { readKept, writeKept } from '../src/why/document.ts';
import { keepDerivations } from '../src/why/kept.ts';
import { whyInWords } from '../src/why/words.ts';
import { table } from './push/table.ts';

const count = Number(process.argv[2] ?? 20_000);
const layerCount = 8;
const rounds = 3;
const folder = mkdtempSync(join(tmpdir(), 'bench-why-'));

const alphabet = '0123456789abcdfghijklmnpqrsvwxyz';

/** 32 letters that another generation has others of. */
function hashOf(at: number, generation: number): string {
  let state = at * 2654435761 + generation * 97 + 12345;
  return Array.from({ length: 32 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return alphabet[(state >>> 16) % 32];
  }).join('');
}

const pathOf = (store: string, at: number, generation: number, ending = '') =>
  `${store}/${hashOf(at, generation)}-package-${at}-1.${at % 30}${ending}`;

/** A package takes five of those before it; the first one is what changed, and all come to it. */
function inputsOf(at: number): number[] {
  const steps = [1, 7, 40, 300, 2000].map(step => at - step - (at % 5));
  return [...new Set(steps.map(step => Math.max(0, step)))].filter(input => input < at);
}

function derivationOf(store: string, at: number, generation: number): string {
  const path = (other: number) => pathOf(store, other, generation);
  const inputs = inputsOf(at);
  const drvs = inputs.map(each => `("${pathOf(store, each, generation, '.drv')}",["out"])`);
  const script = 'configure --prefix=$out --enable-shared --disable-static\\n'.repeat(30);
  const env = Array.from({ length: 28 }, (_, each) => `("variable${each}","value ${each}")`);
  const all = [
    ...[`("buildInputs","${inputs.map(path).join(' ')}")`, `("buildPhase","${script}")`, ...env],
    ...[
      `("name","package-${at}")`,
      `("out","${path(at)}")`,
      `("seed","${at === 0 ? generation : 0}")`,
    ],
  ];
  return `Derive([("out","${path(at)}","","")],[${drvs}],["${store}/${hashOf(at, 0)}-builder.sh"],"x86_64-linux","${path(0)}/bin/bash",["-e","builder.sh"],[${all}])`;
}

/** Writes a generation of the store; gives the layers' targets. */
function writeStore(generation: number): { place: string; layers: Map<string, string[]> } {
  const place = join(folder, String(generation));
  mkdirSync(place);
  for (let at = 0; at < count; at += 1) {
    writeFileSync(pathOf(place, at, generation, '.drv'), derivationOf(place, at, generation));
  }
  const step = Math.floor(count / layerCount);
  const layers = Array.from({ length: layerCount }, (_, layer) => {
    const at = layer === layerCount - 1 ? count - 1 : (layer + 1) * step;
    // so that all are part of the image
    const more = Array.from({ length: step }, (_, each) => at - each).filter(each => each > 0);
    return [`layer${layer}`, more.map(each => pathOf(place, each, generation, '.drv'))] as const;
  });
  return { place, layers: new Map(layers) };
}

async function measure() {
  const before = writeStore(1);
  const now = writeStore(2);
  const kept = writeKept(await keepDerivations(before.layers, before.place));
  const times: Record<string, number[]> = {};
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const begin = performance.now();
    const value = await work();
    times[name] = [...(times[name] ?? []), performance.now() - begin];
    return value;
  };
  let causes = 0;
  let rebuilds = 0;
  for (let round = 0; round < rounds; round += 1) {
    await timed('all of it', async () => {
      const then = await timed('what is kept is read', () => readKept(kept));
      const today = await timed('derivations are read', () =>
        keepDerivations(now.layers, now.place),
      );
      const changes = await timed('they are compared', () => compareDerivations(then, today));
      await timed('causes, a chain and words', () => {
        const told = { inputsBefore: [], inputs: [], own: undefined, reused: new Set<string>() };
        const words = whyInWords(causesOf(changes), told);
        chainTo(changes, `layer${layerCount - 1}`);
        [causes, rebuilds] = [words.causes.length + words.more, words.rebuilds];
      });
    });
  }
  const median = (all: readonly number[]) =>
    [...all].sort((one, two) => one - two)[Math.floor(rounds / 2)] ?? 0;
  console.log(`${count} derivations; ${causes} cause, ${rebuilds} rebuilds`);
  console.log(
    table(
      ['', 'seconds'],
      Object.entries(times).map(([name, all]) => [name, (median(all) / 1000).toFixed(2)]),
    ),
  );
  const packed = zstdCompressSync(Buffer.from(kept)).length;
  console.log(
    `kept: ${(kept.length / 1e6).toFixed(1)} MB, ${(packed / 1e6).toFixed(2)} MB compressed`,
  );
}

await measure().finally(() => rmSync(folder, { recursive: true }));
