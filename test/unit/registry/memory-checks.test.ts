import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blobKey } from '../../../src/image/keys.ts';
import { parseMemory } from '../../../src/registry/memory/parse.ts';
import { rowsOfStore } from '../../../src/registry/memory/rows.ts';
import { serializeMemory } from '../../../src/registry/memory/serialize.ts';
import type { KnownBlob, Memory } from '../../../src/registry/remembered.ts';

const storeDir = '/nix/store';
const zstd = 'application/vnd.oci.image.layer.v1.tar+zstd';
const path = (name: string) => `${storeDir}/${'0'.repeat(32)}-${name}`;
const [glibc, python, torch, app] = ['glibc', 'python', 'torch', 'app'].map(path) as [
  string,
  string,
  string,
  string,
];

function blob(digit: string, paths: string[]): KnownBlob {
  const digest = `sha256:${digit.repeat(64)}`;
  const key = blobKey(paths);
  return { key, digest, diffId: digest, size: 10, uncompressedSize: 20, mediaType: zstd, paths };
}

const blobs = [blob('1', [glibc]), blob('2', [python, torch]), blob('3', [app])] as const;
/** Each refers to the one before. */
const chain = [glibc, python, torch, app];
const chained = rowsOfStore(path => chain.slice(0, chain.indexOf(path)).slice(-1));
const rowOf = (path: string) => chained(path) ?? assert.fail();

/** An image of three layers, each upon the one before. */
const memory: Memory = {
  images: [
    {
      digest: `sha256:${'a'.repeat(64)}`,
      outputs: [
        { outPath: glibc, row: rowOf(glibc), blobs: [blobs[0]] },
        { outPath: torch, row: rowOf(torch), blobs: [blobs[1]] },
        { outPath: app, row: rowOf(app), blobs: [blobs[2]] },
      ],
      blobs: [...blobs, { ...blob('4', []), key: 'f'.repeat(64) }],
      roots: [{ outPath: app, tree: { bin: { app: 0 } } }],
    },
  ],
};

type Row = Record<string, unknown>;

interface Document extends Record<'paths' | 'blobs' | 'outputs' | 'roots' | 'images', Row[]> {
  format: unknown;
}

/** What is left of the memory after it was changed: names of outputs, with their layers' digits. */
function leftAfter(change: (document: Document) => void) {
  const document = JSON.parse(serializeMemory(memory).toString()) as Document;
  change(document);
  const parsed = parseMemory(Buffer.from(JSON.stringify(document)), storeDir);
  if (parsed.kind !== 'memory') return parsed.kind;
  const [image] = parsed.memory.images;
  const digits = (of: readonly KnownBlob[] = []) => of.map(each => each.digest[7]).join('');
  return {
    outputs: image?.outputs.map(
      each => `${each.outPath.slice(path('').length)} ${digits(each.blobs)}`,
    ),
    blobs: digits(image?.blobs),
    roots: image?.roots.length,
    leftOut: parsed.leftOut,
  };
}

const all = {
  outputs: ['glibc 1', 'torch 2', 'app 3'],
  blobs: '1234',
  roots: 1,
  leftOut: 0,
};

/** The same less one row. */
const lacking = (digit: string) => ({ ...all, blobs: all.blobs.replace(digit, '') });

test('a memory that agrees with itself is believed', () => {
  assert.deepEqual(
    leftAfter(() => undefined),
    all,
  );
});

describe('what contradicts the rest is left out, and nothing else', () => {
  const change = (table: keyof Omit<Document, 'format'>, at: number, fields: Row) => {
    return (document: Document) => Object.assign(document[table][at] ?? assert.fail(), fields);
  };
  const plain = 'application/vnd.oci.image.layer.v1.tar';
  const withoutGlibc = { ...all, outputs: ['glibc ', 'torch 2', 'app 3'], blobs: '234' };
  const cases: [string, (document: Document) => void, object][] = [
    [
      'references that lack what the layer holds',
      change('paths', 2, { references: [] }),
      { ...all, outputs: ['glibc 1', 'app 3'] },
    ],
    [
      'a layer of an output that holds more than the output reaches',
      change('outputs', 0, { blobs: [1] }),
      { ...all, outputs: ['torch 2', 'app 3'] },
    ],
    [
      'a blob that holds more than its key says, and than its output reaches',
      change('blobs', 0, { paths: [0, 1] }),
      withoutGlibc,
    ],
    ['a media type of no layer', change('blobs', 3, { mediaType: '\u001b[31m' }), lacking('4')],
    [
      'a blob that is not compressed and has another diffID',
      change('blobs', 3, { mediaType: plain, diffId: `sha256:${'5'.repeat(64)}` }),
      lacking('4'),
    ],
    ['a negative size', change('blobs', 0, { size: -1 }), withoutGlibc],
    ['a size beyond all files', change('blobs', 0, { size: 1e300 }), withoutGlibc],
    ['a digest that is a path', change('blobs', 0, { digest: 'sha256:../..' }), withoutGlibc],
    ['a step out of the paths, in a blob', change('blobs', 0, { paths: [4] }), withoutGlibc],
    ['a step back', change('blobs', 0, { paths: [1, -1] }), withoutGlibc],
    [
      'the path after the last, of an output',
      change('outputs', 2, { path: 4 }),
      { ...all, outputs: ['glibc 1', 'torch 2'] },
    ],
    [
      'the blob after the last, of an output',
      change('outputs', 2, { blobs: [4] }),
      { ...all, outputs: ['glibc 1', 'torch 2', 'app '] },
    ],
    [
      'a blob before the first, of an output',
      change('outputs', 2, { blobs: [-1] }),
      { ...all, outputs: ['glibc 1', 'torch 2'] },
    ],
    ['the path after the last, of a root', change('roots', 0, { path: 4 }), { ...all, roots: 0 }],
    [
      'a target after the last path',
      change('images', 0, { target: { path: 4, variant: '' } }),
      all,
    ],
    ['a blob after the last, of an image', change('images', 0, { blobs: [0, 1, 2, 3, 4] }), all],
    ['an output after the last', change('images', 0, { outputs: [0, 1, 2, 3] }), all],
    ['a root after the last', change('images', 0, { roots: [0, 1] }), all],
    ...['..', '.', '', 'a/../../b'].map((name): [string, (document: Document) => void, object] => [
      `a tree with the name "${name}"`,
      change('roots', 0, { tree: { [name]: 0 } }),
      { ...all, roots: 0 },
    ]),
  ];
  for (const [what, lie, left] of cases) {
    test(what, () => {
      const found = leftAfter(lie);
      const { leftOut, ...rest } = typeof found === 'string' ? assert.fail(found) : found;
      assert.deepEqual({ ...rest, leftOut: 0 }, left);
      assert.ok(leftOut <= 1, 'it alone');
    });
  }
});

describe('a path that cannot be one, or that nobody can reach', () => {
  const cases: Record<string, Row> = {
    'out of the store': { path: '../../etc/shadow' },
    'a name longer than Nix gives one': { path: `${'0'.repeat(32)}-${'a'.repeat(212)}` },
    'references to itself': { references: [0] },
    'references to what comes later': { references: [1] },
    'a reference between two': { references: [-0.5] },
  };
  for (const [what, fields] of Object.entries(cases)) {
    test(what, () => {
      const left = leftAfter(({ paths }) => Object.assign(paths[0] ?? {}, fields));
      assert.ok(typeof left === 'object');
      assert.deepEqual(left.outputs, [], 'all reach it');
      assert.equal(left.blobs, '234', 'what others hold is known by their keys');
    });
  }
});

describe('what has not the shape of a memory is none', () => {
  const cases: Record<string, (document: Document) => void> = {
    'the format as a text': document => {
      document.format = '2';
    },
    'half a format': document => {
      document.format = 1.5;
    },
    'an older format': document => {
      document.format = 1;
    },
    'more images than anybody remembers': document => {
      document.images = Array.from({ length: 300_000 }, () => document.images[0] ?? {});
    },
    'more blobs than there can be': document => {
      document.blobs = Array.from({ length: 30_000 }, () => document.blobs[0] ?? {});
    },
  };
  for (const [what, change] of Object.entries(cases)) {
    test(what, () => assert.equal(leftAfter(change), 'damaged'));
  }

  test('bytes that are no document, or a deep or a long one', () => {
    const deep = `${'{"a":'.repeat(5000)}0${'}'.repeat(5000)}`;
    const good = serializeMemory(memory).toString();
    for (const text of [
      '\u00ff\u00fe',
      'null',
      '['.repeat(1_000_000),
      good.replace('{"bin":{"app":0}}', deep),
      `{"format":2,"paths":[${' '.repeat(70 << 20)}]}`,
    ]) {
      const parsed = parseMemory(Buffer.from(text), storeDir);
      assert.equal(parsed.kind, 'damaged');
      assert.ok(parsed.kind === 'damaged' && parsed.reason.length < 100, 'it is not quoted');
    }
  });
});

test('what takes longer to follow than any image does is not believed', () => {
  const count = 500;
  const paths = Array.from({ length: count }, (_, at) => ({
    path: `${String(at).padStart(32, '0')}-x`,
    references: Array.from({ length: at }, (_, before) => before),
  }));
  const held = {
    ...blobs[0],
    kind: 'store',
    paths: [0],
    key: blobKey([`${storeDir}/${'0'.repeat(32)}-x`]),
  };
  const output = { path: count - 1, blobs: [0] };
  const leftOut = (times: number) => {
    const outputs = Array.from({ length: times }, () => output);
    const document = { ...{ format: 2, paths, blobs: [held], roots: [], images: [] }, records: [] };
    const parsed = parseMemory(Buffer.from(JSON.stringify({ ...document, outputs })), storeDir);
    return parsed.kind === 'memory' ? parsed.leftOut : parsed.kind;
  };
  assert.equal(leftOut(10), 0);
  assert.ok(Number(leftOut(2_000)) > 0);
});

test('an image has each output once, and a row is no row twice', () => {
  const left = leftAfter(document => {
    document.outputs.push({ path: 0, blobs: [] });
    Object.assign(document.images[0] ?? {}, { outputs: [0, 0, 1, 2, 3], blobs: [0, 0, 1, 2, 3] });
  });
  assert.deepEqual(left, all);
});
