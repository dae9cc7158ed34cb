import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import {
  type Derivation,
  parseDerivation,
  parseDerivationNode,
  readDerivationGraph,
} from '../../../src/nix/derivation.ts';

const example =
  'Derive([("lib","/nix/store/b-x-lib","",""),("out","/nix/store/a-x","sha256","00ff")],' +
  '[("/nix/store/c-dep.drv",["lib","out"])],["/nix/store/d-src"],"x86_64-linux","/nix/store/d-src/sh",' +
  '["-c","echo \\"hi\\"\\n\\\\"],[("empty",""),("text","tab\\tand\\r\\nlines")])';

test('a derivation is read whole', () => {
  assert.deepEqual(parseDerivation(example), {
    outputs: new Map([
      ['lib', '/nix/store/b-x-lib'],
      ['out', '/nix/store/a-x'],
    ]),
    inputDrvs: new Map([['/nix/store/c-dep.drv', ['lib', 'out']]]),
    inputSrcs: ['/nix/store/d-src'],
    system: 'x86_64-linux',
    builder: '/nix/store/d-src/sh',
    args: ['-c', 'echo "hi"\n\\'],
    env: new Map([
      ['empty', ''],
      ['text', 'tab\tand\r\nlines'],
    ]),
  });
});

test('its node is read without what follows', () => {
  const { outputs, inputDrvs, inputSrcs, system } = parseDerivation(example);
  const cut = example.slice(0, example.indexOf('"/nix/store/d-src/sh"'));
  assert.deepEqual(parseDerivationNode(cut), { outputs, inputDrvs, inputSrcs, system });
});

test('any derivation that Nix can write is read back', () => {
  const text = fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '\r', '\t', 'a', ',', '(', 'é'),
  });
  const map = <T>(value: fc.Arbitrary<T>) =>
    fc.uniqueArray(fc.tuple(text, value), { selector: ([name]) => name }).map(all => new Map(all));
  const derivations: fc.Arbitrary<Derivation> = fc.record(
    {
      outputs: map(text),
      inputDrvs: map(fc.array(text)),
      inputSrcs: fc.array(text),
      system: text,
      builder: text,
      args: fc.array(text),
      env: map(text),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(derivations, derivation => {
      assert.deepEqual(parseDerivation(write(derivation)), derivation);
    }),
  );
});

test('what is no derivation is refused with its place', () => {
  assert.throws(() => parseDerivation(''), /expected Derive\( at character 0/);
  assert.throws(() => parseDerivation('Derive([("out'), /the string at character 10 does not end/);
  assert.throws(() => parseDerivation(`${example.slice(0, -1)}]`), Failure);
  for (let length = 0; length < example.length; length++) {
    assert.throws(() => parseDerivation(example.slice(0, length)), Failure);
  }
});

test('a graph is read with all that it is built from, each derivation once', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = (name: string) => join(folder, `${name}.drv`);
  const needs = { top: ['left', 'right'], left: ['base'], right: ['base'], base: [], other: [] };
  for (const [name, inputs] of Object.entries(needs)) {
    const inputDrvs = new Map(inputs.map(input => [path(input), ['out']]));
    await writeFile(path(name), write({ ...parseDerivation(example), inputDrvs }));
  }
  const graph = await readDerivationGraph([path('top')]);
  assert.deepEqual([...graph.keys()], ['top', 'left', 'right', 'base'].map(path));
  await rm(path('base'));
  await assert.rejects(
    readDerivationGraph([path('top')]),
    error => error instanceof Failure && error.message.includes(path('base')),
  );
});

test('what is no file of the store is not read, and not quoted', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'graph-'));
  context.after(() => rm(folder, { recursive: true }));
  const secret = join(folder, 'secret');
  await writeFile(secret, 'TOKEN');
  await symlink(secret, join(folder, 'link.drv'));
  const naming = (input: string) =>
    write({ ...parseDerivation(example), inputDrvs: new Map([[input, ['out']]]) });
  await writeFile(join(folder, 'one.drv'), naming('/etc/shadow.drv'));
  await writeFile(join(folder, 'two.drv'), naming(secret));
  await writeFile(join(folder, 'three.drv'), naming(join(folder, 'link.drv')));
  for (const [name, reason] of [
    ['one.drv', /its input "\/etc\/shadow\.drv" is no derivation of the same store/],
    ['two.drv', /is no derivation of the same store/],
    ['three.drv', /link\.drv cannot be read: it is no file/],
  ] as const) {
    await assert.rejects(readDerivationGraph([join(folder, name)]), (error: Failure) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /TOKEN/);
      return true;
    });
  }
});

/** Writes a derivation as Nix does. */
function write({ outputs, inputDrvs, inputSrcs, system, builder, args, env }: Derivation): string {
  const escapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const string = (value: string) =>
    `"${value.replace(/["\\\n\r\t]/g, letter => escapes[letter] ?? `\\${letter}`)}"`;
  const list = (items: readonly string[]) => `[${items.join(',')}]`;
  const tuple = (...items: string[]) => `(${items.join(',')})`;
  const strings = (items: readonly string[]) => list(items.map(string));
  return `Derive${tuple(
    list([...outputs].map(([name, path]) => tuple(string(name), string(path), '""', '""'))),
    list([...inputDrvs].map(([path, names]) => tuple(string(path), strings(names)))),
    strings(inputSrcs),
    string(system),
    string(builder),
    strings(args),
    list([...env].map(([name, value]) => tuple(string(name), string(value)))),
  )}`;
}
