import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { compareLocks } from '../../../src/wheels/changes.ts';
import {
  allPins,
  formatLock,
  type Lock,
  parseLock,
  pinOf,
  readLock,
  setPin,
  sriOf,
  writeLock,
} from '../../../src/wheels/lock.ts';
import { quietHost } from '../../tools/host.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => {
  return sriOf(Buffer.from(bytes).toString('hex'));
});
const pin = fc.record(
  {
    version: fc.stringMatching(/^\d\.\d\+cu\d{3}$/),
    url: fc.webUrl({ withFragments: false }),
    hash,
    size: fc.option(fc.nat()),
    source: fc.webUrl(),
    digest: fc.constantFrom('index', 'release', 'download', 'unconfirmed'),
    note: fc.string(),
  },
  { noNullPrototype: true, requiredKeys: ['version', 'url', 'hash', 'size', 'source', 'digest'] },
);
const variant = fc.record({
  system: fc.constantFrom('x86_64-linux', 'aarch64-linux'),
  cuda: fc.constantFrom('cu126', 'cu130'),
  python: fc.constantFrom('3.9', '3.12', '3.13'),
});
const entry = fc.record({ variant, name: fc.constantFrom('torch', 'flash-attn', 'x'), pin });
const lock: fc.Arbitrary<Lock> = fc.array(entry, { maxLength: 8 }).map(entries => {
  const made: Lock = { version: 1, wheels: {}, sources: {} };
  for (const { variant, name, pin } of entries) setPin(made, variant, name, pin);
  return made;
});

function refusal(text: string): string {
  try {
    parseLock(text, 'wheels.lock.json');
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return [error.message, ...(error.details.evidence ?? []), error.details.next].join('\n');
  }
  assert.fail('it was taken');
}

test('a lock that is written is read as it was, and written again to the byte', () => {
  fc.assert(
    fc.property(lock, made => {
      const text = formatLock(made);
      const read = parseLock(text, 'x');
      assert.equal(formatLock(read), text);
      assert.deepEqual(compareLocks(made, read), []);
      for (const { variant, name, pin } of allPins(made)) {
        assert.deepEqual(pinOf(read, variant, name), pin);
      }
    }),
  );
});

test('keys are sorted, whatever the order they came in', () => {
  const text = formatLock({
    version: 1,
    wheels: { b: { c: {} }, a: {} },
    sources: {},
  });
  assert.equal(
    text,
    '{\n  "sources": {},\n  "version": 1,\n  "wheels": {\n    "a": {},\n' +
      '    "b": {\n      "c": {}\n    }\n  }\n}\n',
  );
});

test('a line that breaks a lock is the line that is named', () => {
  fc.assert(
    fc.property(lock, fc.nat(), (made, seed) => {
      const lines = formatLock(made).split('\n');
      const at = seed % (lines.length - 1);
      lines[at] = `${lines[at]} oops`;
      assert.match(refusal(lines.join('\n')), new RegExp(`^wheels\\.lock\\.json:${at + 1}: `));
    }),
  );
});

test('what is wrong with a lock, and what to do', () => {
  const torch = {
    version: '2.10.0',
    url: 'https://a.example/torch.whl',
    hash: `sha256-${'A'.repeat(43)}=`,
    size: 1,
    source: 'https://a.example',
    digest: 'index',
  };
  const wheels = { 'x86_64-linux': { cu130: { cp312: { torch } } } };
  const text = JSON.stringify({ version: 1, wheels }, null, 2);
  assert.equal(allPins(parseLock(text, 'x')).length, 1);
  const cases: [string, RegExp][] = [
    [
      text.replace('sha256-', 'sha512-'),
      /:10: .*\.torch\.hash: expected sha256-… in base64, found/,
    ],
    [text.replace('"size": 1,', ''), /:7: .*\.torch\.size: it is missing/],
    [text.replace('"version": 1', '"version": 2'), /:2: version: the format 2 is of a newer/],
    ['[]', /:1: version: it is missing/],
    ['', /:1: this is no JSON/],
    [text.slice(0, 100), /:7: this is no JSON/],
    [`${text.slice(0, 30)}\n<<<<<<< HEAD\n`, /:4: the file holds a merge conflict\.\nTake either/],
  ];
  for (const [broken, expected] of cases) assert.match(refusal(broken), expected);
});

test('a lock is put in its place at once; where that fails nothing is left behind', async context => {
  const folder = await mkdtemp(join(tmpdir(), 'lock-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'new/wheels.lock.json');
  const empty: Lock = { version: 1, wheels: {}, sources: {} };
  assert.equal(await readLock(file), undefined);
  await writeLock(file, empty, quietHost());
  assert.deepEqual(await readLock(file), empty);
  assert.deepEqual(await readdir(join(folder, 'new')), ['wheels.lock.json']);
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(writeLock(join(folder, 'file/lock.json'), empty, quietHost()), Failure);
  await assert.rejects(writeLock(join(folder, 'new'), empty, quietHost()), /is a folder/);
  assert.deepEqual((await readdir(folder)).sort(), ['file', 'new']);
});
