// Measures reading and auditing a graph of 20,000 derivations: .drv files as nixpkgs makes them, in a
// temporary store folder. Two of three are packages with six inputs each, every third fetches a
// source; an image's layer targets are on top. Needs no Nix.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { audit } from '../src/audit/audit.ts';
import { readSubject } from '../src/audit/read.ts';
import type { Evaluation } from '../src/nix/types.ts';

const count = 20_000;
const layerCount = 7;
const rounds = 5;

const folder = mkdtempSync(join(tmpdir(), 'audit-'));
const store = join(folder, 'store');

const storePath = (name: string) =>
  join(store, `${createHash('md5').update(name).digest('hex')}-${name}`);

/** Attributes as an ATerm's environment, sorted as Nix has them. */
function aterm(name: string, inputs: readonly string[], env: Record<string, string>): string {
  const text = (value: string) =>
    `"${value.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
  const out = storePath(name);
  const all = Object.entries({ ...env, name, out, system: 'x86_64-linux' }).sort();
  return [
    `Derive([("out",${text(out)},"","")]`,
    `[${inputs.map(input => `(${text(`${storePath(input)}.drv`)},["out"])`).join(',')}]`,
    `[${text(storePath('source-stdenv.sh'))}]`,
    '"x86_64-linux"',
    text(join(storePath('bash'), 'bin/bash')),
    `["-e",${text(storePath('default-builder.sh'))}]`,
    `[${all.map(([key, value]) => `(${text(key)},${text(value)})`).join(',')}])`,
  ].join(',');
}

/** Text of phases and flags: what most of a package's .drv file is. */
const phases = 'substituteInPlace setup.py \\\n\t--replace-fail "a==1" "a>=1"\n'.repeat(30);

const nameOf = (index: number) =>
  index % 3 === 0 ? `source${index}.tar.gz` : `python3.12-package${index}-1.${index}`;

/** Inputs have smaller numbers, so that there is no cycle, and the latest reach all of them. */
const inputsOf = (index: number) => {
  const near = [1, 2, 3, 5, 8, 13].map(step => index - step);
  return near.filter(input => input >= 0).map(nameOf);
};

function derivation(index: number): string {
  const name = nameOf(index);
  if (index % 3 === 0) {
    const url = `https://files.example.org/${name}`;
    const hash = `sha256-${createHash('sha256').update(name).digest('base64')}`;
    return aterm(name, [], { urls: url, outputHash: hash, outputHashMode: 'flat', stdenv: '/s' });
  }
  const inputs = inputsOf(index);
  const paths = inputs.map(storePath).join(' ');
  return aterm(name, inputs, {
    pname: `package${index}`,
    version: `1.${index}`,
    stdenv: storePath('stdenv-linux'),
    nativeBuildInputs: storePath('hook'),
    propagatedBuildInputs: paths,
    postPatch: phases,
    installCheckPhase: phases.slice(0, 700),
  });
}

function writeGraph(): string[] {
  mkdirSync(store);
  for (let index = 0; index < count - layerCount; index++) {
    writeFileSync(`${storePath(nameOf(index))}.drv`, derivation(index));
  }
  return Array.from({ length: layerCount }, (_, layer) => {
    const last = Math.floor(((layer + 1) * (count - layerCount)) / layerCount) - 2;
    const inputs = [last, last - 1].map(nameOf);
    const name = `layer${layer}`;
    const buildCommand = inputs.map(input => `ln -s ${storePath(input)} $out/`).join('\n');
    const text = aterm(name, inputs, { stdenv: storePath('stdenv-linux'), buildCommand });
    writeFileSync(`${storePath(name)}.drv`, text);
    return `${storePath(name)}.drv`;
  });
}

/** Evaluation has seen all packages but every tenth, which only texts name, and no download. */
const nixpkgs = () =>
  Array.from({ length: count - layerCount }, (_, index) => index)
    .filter(index => index % 3 !== 0 && index % 10 !== 0)
    .map(index => `${storePath(nameOf(index))}.drv`);

const evaluationOf = (drvPaths: readonly string[]): Evaluation => ({
  installable: '.#comfyui',
  target: { name: 'comfyui', drvPath: drvPaths[0] ?? '', outputName: 'out', outPath: '' },
  imageName: undefined,
  imageTag: undefined,
  system: 'x86_64-linux',
  locked: true,
  provenance: { own: new Set(), nixpkgs: new Set(nixpkgs()), unfree: new Map() },
  recipe: {
    name: 'comfyui',
    tag: 'cu130',
    layers: drvPaths.map((drvPath, layer) => ({
      ...{ name: `layer${layer}`, image: true },
      ...{ drvPath, outputName: 'out', outPath: drvPath.replace(/\.drv$/, '') },
    })),
    root: [],
    folders: [],
    directories: [],
    config: { User: '1000' },
    referredOutputs: [],
    referredSources: [],
    created: 'now',
  },
});

try {
  const evaluation = evaluationOf(writeGraph());
  for (let round = 0; round < rounds; round++) {
    const idle = process.cpuUsage();
    const begin = performance.now();
    const subject = await readSubject(evaluation);
    const read = performance.now();
    const { derivations, packages } = audit(subject);
    const end = performance.now();
    const { user, system } = process.cpuUsage(idle);
    console.log(
      `${derivations} derivations, ${packages.length} packages: ` +
        `${((end - begin) / 1000).toFixed(2)} s (read ${((read - begin) / 1000).toFixed(2)} s), ` +
        `${((user + system) / 1e6).toFixed(2)} s of a processor, ` +
        `${Math.round(process.memoryUsage().rss / 1e6)} MB`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
