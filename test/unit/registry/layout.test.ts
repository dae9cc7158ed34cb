import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { tryLock } from '../../../src/host/lock.ts';
import { partialFile, writeFailure } from '../../../src/host/partial-files.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { layerOf, noise, sha256 } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';

const root = mkdtempSync(join(tmpdir(), 'layout-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;

function open() {
  const folder = join(root, String(count++));
  return { folder, store: layoutStore(folder, quietHost()) };
}

const manifestOf = (text: string) => {
  const bytes = Buffer.from(text);
  return { bytes, mediaType: mediaTypes.manifest, digest: sha256(bytes) };
};

const tagsIn = (folder: string): Record<string, string> => {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  const name = 'org.opencontainers.image.ref.name';
  return Object.fromEntries(index.manifests.map(each => [each.annotations[name], each.digest]));
};

describe('an OCI layout', () => {
  test('nothing is made before something is written', async () => {
    const { folder, store } = open();
    assert.equal(await store.getManifest('x'), undefined);
    assert.equal(await store.hasBlob(sha256(noise(1, 1))), false);
    assert.equal(existsSync(folder), false);
  });

  test('holds blobs under their digests, and reads them back', async () => {
    const { folder, store } = open();
    const bytes = noise(300_000, 1);
    const { digest } = await store.putBlob(layerOf(bytes));
    assert.deepEqual(readFileSync(join(folder, 'blobs/sha256', digest.slice(7))), bytes);
    assert.equal(await store.hasBlob(digest), true);
    const descriptor = { mediaType: '', digest, size: bytes.length };
    assert.deepEqual(await store.getBlob(descriptor), bytes);
    const chunks: Buffer[] = [];
    for await (const chunk of store.openBlob(descriptor, 1000)) chunks.push(chunk);
    assert.deepEqual(Buffer.concat(chunks), bytes.subarray(1000));
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'oci-layout'), 'utf8')), {
      imageLayoutVersion: '1.0.0',
    });
  });

  test('a tag that moves is replaced, others stay', async () => {
    const { folder, store } = open();
    const first = manifestOf('{"a":1}');
    const second = manifestOf('{"b":2}');
    await store.putManifest(first.bytes, first.mediaType);
    assert.equal(await store.getManifest('one'), undefined);
    await store.putTag('one', first);
    await store.putTag('two', first);
    await store.putTag('one', second);
    assert.deepEqual(tagsIn(folder), { one: second.digest, two: first.digest });
    assert.deepEqual(await store.getManifest('two'), first);
    assert.deepEqual(await store.getManifest(second.digest), second);
  });

  test('an error in the middle of a blob leaves nothing behind', async () => {
    const { folder, store } = open();
    const broken = new Failure('gone');
    const source = layerOf(noise(10, 2));
    const failing = () => ({
      ...source.open(),
      async *[Symbol.asyncIterator]() {
        yield Buffer.alloc(1000);
        throw broken;
      },
    });
    await assert.rejects(store.putBlob({ ...source, open: failing }), error => error === broken);
    assert.deepEqual(readdirSync(join(folder, 'blobs/sha256')), []);
  });

  test('what a dead run left is cleared away, what a living one writes is not', async () => {
    const { folder, store } = open();
    const blobs = join(folder, 'blobs/sha256');
    mkdirSync(blobs, { recursive: true });
    writeFileSync(join(blobs, '.partial-0123456789abcdef'), 'x');
    writeFileSync(join(blobs, '.partial-0123456789abcdef.lock'), '');
    writeFileSync(join(blobs, '.partial-1'), 'of somebody');
    const living = await partialFile(blobs);
    writeFileSync(living.path, 'x');
    const manifest = manifestOf('{}');
    await store.putTag('x', manifest);
    const names = [basename(living.path), `${basename(living.path)}.lock`, '.partial-1'];
    assert.deepEqual(readdirSync(blobs).sort(), [...names, manifest.digest.slice(7)].sort());
    await living.discard();
  });

  test('a lock of an earlier version is nobody’s, whatever it says and however new', async () => {
    const { folder, store } = open();
    mkdirSync(folder);
    const left = join(folder, 'index.json.lock');
    writeFileSync(left, `${hostname()} ${process.pid}`);
    utimesSync(left, 4e9, 4e9);
    await store.putTag('x', manifestOf('{}'));
    assert.deepEqual(Object.keys(tagsIn(folder)), ['x']);
  });

  test('a wait for another run ends with an interrupt, which what is written later survives', async () => {
    const { folder } = open();
    mkdirSync(folder);
    const interrupt = new AbortController();
    const store = layoutStore(folder, quietHost(), interrupt.signal);
    const lock = await tryLock(join(folder, '.comfy-nix-lock'));
    const waiting = store.putTag('x', manifestOf('{}'));
    const reason = new Failure('The run was interrupted.');
    setImmediate(() => interrupt.abort(reason));
    await assert.rejects(waiting, error => error === reason);
    lock?.release();
    await store.putTag('memory', manifestOf('{}'));
    assert.deepEqual(Object.keys(tagsIn(folder)), ['memory']);
  });

  test('what is no folder is named', async () => {
    const { folder, store } = open();
    writeFileSync(folder, '');
    await assert.rejects(store.putTag('x', manifestOf('{}')), /is no folder/);
  });

  test('two processes do not lose each other’s tags', async () => {
    const { folder, store } = open();
    const script = join(root, 'writer.ts');
    const layout = new URL('../../../src/registry/layout.ts', import.meta.url);
    writeFileSync(
      script,
      `import { layoutStore } from '${layout}';
       const host = { env: {}, clock: Date.now, emit() {}, run() {} };
       const store = layoutStore(process.argv[2], host);
       const manifest = { bytes: Buffer.from('{}'), mediaType: 'x', digest: '' };
       await Promise.all(Array.from({ length: 25 }, (_, at) =>
         store.putTag(process.argv[3] + at, manifest)));`,
    );
    const writers = ['a', 'b'].map(name => spawn(process.execPath, [script, folder, name]));
    const codes = await Promise.all(writers.map(writer => once(writer, 'exit')));
    assert.deepEqual(
      codes.map(([code]) => code),
      [0, 0],
    );
    assert.equal(Object.keys(tagsIn(folder)).length, 50);
    assert.ok(await store.getManifest('b24'));
  });

  test('a damaged blob and a damaged index are named', async () => {
    const { folder, store } = open();
    const { digest, size } = await store.putBytes(Buffer.from('x'), mediaTypes.config);
    const path = join(folder, 'blobs/sha256', digest.slice(7));
    writeFileSync(path, 'y');
    await assert.rejects(store.getBlob({ mediaType: '', digest, size }), /is damaged/);
    writeFileSync(join(folder, 'index.json'), '[]');
    await assert.rejects(store.putTag('x', manifestOf('{}')), /is not the index of an OCI image/);
    const odd = [
      null,
      { digest: '../../x', size: 1, mediaType: 'x' },
      { digest: sha256(noise(1, 1)) },
    ];
    for (const entry of odd) {
      const index = JSON.stringify({ schemaVersion: 2, manifests: [entry] });
      writeFileSync(join(folder, 'index.json'), index);
      await assert.rejects(store.getManifest('x'), /is not the index of an OCI image/);
    }
  });

  test('a blob that is known and there is not read, one that is not is', async () => {
    const { store } = open();
    const bytes = noise(1000, 3);
    const { digest } = await store.putBlob(layerOf(bytes));
    const whole = { digest, diffId: digest, size: 1000, uncompressedSize: 1000 };
    const unread = { ...layerOf(bytes), digest, open: () => assert.fail('it was opened') };
    assert.deepEqual(await store.putBlob(unread), whole);
    const { uncompressedSize: _, ...plain } = unread;
    assert.deepEqual(await store.putBlob(plain), whole, 'a plain layer has one size');
    const packed = { ...plain, mediaType: mediaTypes.layer.zstd, diffId: sha256(noise(1, 1)) };
    assert.deepEqual(await store.putBlob(packed), {
      ...whole,
      diffId: packed.diffId,
      uncompressedSize: 0,
    });
    const { diffId: __, ...undecided } = packed;
    await assert.rejects(store.putBlob(undecided), /it was opened/);
    const other = noise(10, 4);
    await store.putBlob({ ...layerOf(other), digest: sha256(other) });
    assert.equal(await store.hasBlob(sha256(other), 10), true);
    assert.equal(await store.hasBlob(sha256(other), 11), false);
  });

  test('how much is written is told as it is written', async () => {
    const { store } = open();
    const told: number[] = [];
    await store.putBlob(layerOf(noise(250_000, 5)), { onProgress: sent => told.push(sent) });
    assert.deepEqual(told, [100_000, 200_000, 250_000]);
  });

  test('an artifact is named by the index and listed as no image; a manifest says its own type', async () => {
    const { folder, store } = open();
    const artifact = manifestOf(`{"artifactType":"a/b","mediaType":"${mediaTypes.manifest}"}`);
    const image = manifestOf('{"artifactType":5}');
    await store.putTag('x', image);
    await store.putTag('x', artifact);
    await store.putTag('y', artifact);
    await store.putTag('y', image);
    assert.deepEqual(tagsIn(folder), { y: image.digest });
    const { annotations } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));
    assert.deepEqual(annotations, { 'comfy-nix.artifact/x': artifact.digest });
    assert.deepEqual(await store.getManifest('x'), artifact);
    assert.deepEqual(await store.getManifest(artifact.digest), artifact);
    for (const [text, type] of [
      ['{"mediaType":"c/d"}', 'c/d'],
      ['{"mediaType":5}', mediaTypes.manifest],
      ['no JSON', mediaTypes.manifest],
    ] as const) {
      const { digest } = await store.putManifest(Buffer.from(text), 'x/y');
      assert.equal((await store.getManifest(digest))?.mediaType, type);
    }
  });

  test('a document of another size is written again, what is no digest is refused', async () => {
    const { folder, store } = open();
    const bytes = Buffer.from('document');
    const { digest } = await store.putBytes(bytes, mediaTypes.config);
    const path = join(folder, 'blobs/sha256', digest.slice(7));
    writeFileSync(path, 'short');
    await store.putBytes(bytes, mediaTypes.config);
    assert.deepEqual(readFileSync(path), bytes);
    assert.equal(
      await store.getBlob({ mediaType: '', digest: sha256(noise(1, 1)), size: 1 }),
      undefined,
    );
    const name = 'sha256:../../x';
    await assert.rejects(store.hasBlob(name), /is not a sha256 digest/);
    await assert.rejects(
      store.getBlob({ mediaType: '', digest: name, size: 1 }),
      /is not a sha256/,
    );
    assert.equal(await store.getManifest('sha256:../../x'), undefined, 'a tag that nothing has');
    const gone = store.openBlob({ mediaType: '', digest: sha256(noise(1, 1)), size: 1 });
    await assert.rejects(gone[Symbol.asyncIterator]().next(), (error: Failure) => {
      assert.ok(error instanceof Failure);
      assert.match(error.message, /could not be read: ENOENT/);
      return true;
    });
  });

  test('a blob is written until an interrupt, of the run or of its own', async () => {
    const reason = new Error('interrupted');
    const aborted = AbortSignal.abort(reason);
    const source = layerOf(noise(10, 6));
    const seen: (AbortSignal | undefined)[] = [];
    const watched = {
      ...source,
      open: (signal?: AbortSignal) => {
        seen.push(signal);
        return source.open();
      },
    };
    const folder = join(root, String(count++));
    await layoutStore(folder, quietHost({ signal: aborted })).putBlob(watched);
    await layoutStore(folder, quietHost()).putBlob(watched, { signal: aborted });
    await layoutStore(folder, quietHost()).putBlob(watched);
    assert.deepEqual(
      seen.map(signal => signal?.reason),
      [reason, reason, undefined],
    );
  });

  test('an index that cannot be read, or is far too large, is named', async () => {
    const { folder, store } = open();
    const index = join(folder, 'index.json');
    mkdirSync(index, { recursive: true });
    await assert.rejects(store.getManifest('x'), /index\.json could not be read: EISDIR/);
    rmSync(index, { recursive: true });
    writeFileSync(index, '{"schemaVersion":2,"manifests":[]}');
    assert.equal(await store.getManifest('x'), undefined);
    truncateSync(index, limits.document);
    await assert.rejects(store.getManifest('x'), /is not the index of an OCI image layout/);
    truncateSync(index, limits.document + 1);
    await assert.rejects(store.getManifest('x'), /could not be read: it has 16777217 bytes/);
  });

  test('a full disk is said as such', () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    const failure = writeFailure(full, 'somewhere');
    assert.ok(failure instanceof Failure);
    assert.match(failure.message, /no space left to write somewhere/);
    assert.match(failure.details.next ?? '', /Free some space/);
  });
});
