import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blobKey } from '../../../src/image/keys.ts';
import { parseMemory, serializeMemory } from '../../../src/registry/memory-format.ts';
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
/** An image of three layers, each upon the one before. */
const memory: Memory = {
  images: [
    {
      digest: `sha256:${'a'.repeat(64)}`,
      outputs: [
        { outPath: glibc, closure: [glibc], blobs: [blobs[0]] },
        { outPath: torch, closure: [glibc, python, torch], blobs: [blobs[1]] },
        { outPath: app, closure: [app, glibc, python, torch], blobs: [blobs[2]] },
      ],
      blobs: [...blobs, { ...blob('4', []), key: 'f'.repeat(64) }],
      roots: [{ outPath: app, tree: { bin: { app: 0 } } }],
    },
  ],
};

interface Document {
  format: unknown;
  paths: string[];
  blobs: Record<string, unknown>[];
  outputs: { path: number; closure: number[]; blobs: number[] }[];
  roots: { path: number; tree: unknown }[];
  images: Record<string, unknown>[];
}

/** What is left of the memory after it was changed: names of outputs, with their layers' digits. */
function leftAfter(change: (document: Document) => void) {
  const document = JSON.parse(serializeMemory(memory)) as Document;
  change(document);
  const parsed = parseMemory(JSON.stringify(document), storeDir);
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

test('a memory that agrees with itself is believed', () => {
  assert.deepEqual(
    leftAfter(() => undefined),
    all,
  );
});

describe('what contradicts the rest is left out, and nothing else', () => {
  const output = (document: Document, at: number) => document.outputs[at] ?? assert.fail();
  const row = (document: Document, at: number) => document.blobs[at] ?? assert.fail();
  const withoutOutput = (name: string) => ({
    ...all,
    outputs: all.outputs.filter(each => !each.startsWith(name)),
    leftOut: 1,
  });
  const cases: [string, (document: Document) => void, unknown][] = [
    [
      'closures that lack their output',
      document => {
        for (const each of document.outputs) each.closure = [];
      },
      { ...all, outputs: [], leftOut: 3 },
    ],
    [
      'a closure that lacks what its layer holds',
      document => {
        output(document, 1).closure = [0, 1];
      },
      withoutOutput('torch'),
    ],
    [
      'a closure that lacks what the closure of one of its paths holds',
      document => {
        output(document, 2).closure = [0, 1, 3];
      },
      withoutOutput('app'),
    ],
    [
      'a layer of an output that holds more than the output needs',
      document => {
        output(document, 0).blobs = [1];
      },
      withoutOutput('glibc'),
    ],
    [
      'a blob that is said to hold more than its key says',
      document => {
        row(document, 2).paths = [2, 3];
      },
      { ...all, outputs: ['glibc 1', 'torch 2'], blobs: '124', leftOut: 2 },
    ],
    [
      'the key of another blob',
      document => {
        row(document, 0).key = row(document, 2).key;
      },
      { ...all, outputs: ['torch 2', 'app 3'], blobs: '234', leftOut: 2 },
    ],
    [
      'a media type that no layer has',
      document => {
        row(document, 3).mediaType = '\u001b[31m';
      },
      { ...all, blobs: '123', leftOut: 1 },
    ],
    [
      'a blob that is not compressed and has another diffID',
      document => {
        const plain = 'application/vnd.oci.image.layer.v1.tar';
        Object.assign(row(document, 3), { mediaType: plain, diffId: `sha256:${'5'.repeat(64)}` });
      },
      { ...all, blobs: '123', leftOut: 1 },
    ],
    ...['..', '.', '', 'a/../../b'].map((name): [string, (document: Document) => void, unknown] => [
      `a tree with the name "${name}"`,
      document => {
        document.roots = document.roots.map(each => ({ ...each, tree: { [name]: 0 } }));
      },
      { ...all, roots: 0, leftOut: 1 },
    ]),
  ];
  for (const [what, change, left] of cases) {
    test(what, () => assert.deepEqual(leftAfter(change), left));
  }
});

describe('what has not the shape of a memory is none', () => {
  const cases: Record<string, (document: Document) => void> = {
    'a path out of the store': document => {
      document.paths[0] = '../../etc/shadow';
    },
    'a name longer than Nix gives one': document => {
      document.paths[0] = `${'0'.repeat(32)}-${'a'.repeat(212)}`;
    },
    'a place before the first': document => {
      document.outputs[0]?.blobs.push(-1);
    },
    'a place after the last': document => {
      document.outputs[0]?.closure.push(99);
    },
    'the place after the last path, in a blob': document => {
      Object.assign(document.blobs[0] ?? {}, { paths: [document.paths.length] });
    },
    'the place after the last path, of an output': document => {
      Object.assign(document.outputs[0] ?? {}, { path: document.paths.length });
    },
    'the place after the last blob, of an output': document => {
      document.outputs[0]?.blobs.push(document.blobs.length);
    },
    'the place after the last path, of a root': document => {
      Object.assign(document.roots[0] ?? {}, { path: document.paths.length });
    },
    'the place after the last blob, of an image': document => {
      Object.assign(document.images[0] ?? {}, { blobs: [document.blobs.length] });
    },
    'the place after the last output, of an image': document => {
      Object.assign(document.images[0] ?? {}, { outputs: [document.outputs.length] });
    },
    'the place after the last root, of an image': document => {
      Object.assign(document.images[0] ?? {}, { roots: [document.roots.length] });
    },
    'a target after the last path': document => {
      const target = { path: document.paths.length, variant: '' };
      Object.assign(document.images[0] ?? {}, { target });
    },
    'a place between two': document => {
      document.outputs[0]?.closure.push(0.5);
    },
    'a negative size': document => {
      Object.assign(document.blobs[0] ?? {}, { size: -1 });
    },
    'a size beyond all files': document => {
      Object.assign(document.blobs[0] ?? {}, { size: 1e300 });
    },
    'a digest that is a path': document => {
      Object.assign(document.blobs[0] ?? {}, { digest: 'sha256:../..' });
    },
    'the format as a text': document => {
      document.format = '1';
    },
    'half a format': document => {
      document.format = 1.5;
    },
    'more images than anybody remembers': document => {
      document.images = Array.from({ length: 300_000 }, () => document.images[0] ?? {});
    },
    'more blobs of an image than there can be': document => {
      Object.assign(document.images[0] ?? {}, { blobs: Array.from({ length: 5000 }, () => 0) });
    },
  };
  for (const [what, change] of Object.entries(cases)) {
    test(what, () => assert.equal(leftAfter(change), 'damaged'));
  }

  test('bytes that are no document, or a deep or a long one', () => {
    const deep = `${'{"a":'.repeat(5000)}0${'}'.repeat(5000)}`;
    const good = serializeMemory(memory);
    for (const text of [
      '\u00ff\u00fe',
      'null',
      '['.repeat(1_000_000),
      good.replace('{"bin":{"app":0}}', deep),
      `{"format":1,"paths":[${' '.repeat(70 << 20)}]}`,
    ]) {
      const parsed = parseMemory(text, storeDir);
      assert.equal(parsed.kind, 'damaged');
      assert.ok(parsed.kind === 'damaged' && parsed.reason.length < 100, 'it is not quoted');
    }
  });
});

test('more to compare than any image has is none', () => {
  // outputs that are all part of each other
  const many = (count: number, paths: number, times = 1) => {
    const names = Array.from({ length: paths }, (_, at) => `${String(at).padStart(32, '0')}-x`);
    const closure = names.map((_, at) => at);
    const outputs = Array.from({ length: count }, (_, path) => ({ path, closure, blobs: [] }));
    const all = outputs.map((_, at) => at);
    const image = { outputs: all, blobs: [], roots: [] };
    const images = Array.from({ length: times }, () => image);
    const document = { format: 1, paths: names, blobs: [], outputs, roots: [], images };
    return parseMemory(JSON.stringify(document), storeDir);
  };
  assert.deepEqual(many(500, 1300), { kind: 'damaged', reason: 'it is larger than it can be' });
  const less = many(200, 400, 40);
  assert.ok(
    less.kind === 'memory' && less.memory.images[39]?.outputs.length === 200,
    'once for all',
  );
});

test('what is known of one image is known of the next, and one that is wrong in none', () => {
  const image = memory.images[0] ?? assert.fail();
  const { outputs } = image;
  const [first, second, third] = outputs;
  assert.ok(first && second && third);
  const parsed = (images: Memory['images']) => {
    const result = parseMemory(serializeMemory({ images }), storeDir);
    assert.ok(result.kind === 'memory');
    return result.memory.images.map(each => each.outputs.length);
  };
  assert.deepEqual(parsed([image, image, { ...image, outputs: [third] }]), [3, 3, 1]);
  // its closure lacks what that of its path has, as the second image alone can tell
  const lacking = { ...third, closure: [app, glibc, torch] };
  const apart = { ...image, outputs: [lacking] };
  assert.deepEqual(parsed([apart]), [1]);
  assert.deepEqual(parsed([apart, { ...image, outputs: [second, lacking] }]), [0, 1]);
});

test('an image has each output once, and a row is no row twice', () => {
  const left = leftAfter(document => {
    document.outputs.push({ path: 0, closure: [0], blobs: [] });
    Object.assign(document.images[0] ?? {}, { outputs: [0, 0, 1, 2, 3], blobs: [0, 0, 1, 2, 3] });
  });
  assert.deepEqual(left, all);
});
