import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { report } from '../../../src/commands/report.ts';
import type { RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseReport } from '../../../src/inputs/verbs/report.ts';
import { recordText } from '../../../src/record/text.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { layoutStore } from '../../../src/registry/layout.ts';
import { memoryPlace } from '../../../src/registry/memory/place.ts';
import { quietHost } from '../../tools/host.ts';
import { pushImage } from '../../tools/test-image.ts';
import { sampleRecord } from '../record/sample.ts';

async function bench(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'report-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const context: RunContext = {
    ...{ face: 'command-line', currentDirectory: folder, temporaryDirectory: folder },
  };
  const run = async (run: string, more: RawInputs = {}) => {
    const outcome = await report(parseReport({ run, ...more }, context), quietHost());
    return { ...(outcome.report ?? assert.fail()), told: outcome.told };
  };
  return { folder, run };
}

/** Puts records into the memory at a tag of the layout `image`, the oldest first. */
async function remember(folder: string, tag: string, records: readonly BuildRecord[]) {
  const store = layoutStore(join(folder, 'image'), quietHost());
  const place = memoryPlace(store, tag, {
    ...{ storeDir: '/nix/store', architecture: 'amd64', host: quietHost() },
    sleep: async () => undefined,
  });
  for (const record of records) {
    await place.write({
      image: { outputs: [], blobs: [], roots: [] },
      isNews: true,
      record: {
        text: recordText(record),
        ...(record.image?.digest ? { image: record.image.digest } : {}),
      },
    });
  }
}

/** A run whose image has this digest. */
function runOf(digest: string, changes: Partial<BuildRecord> = {}): BuildRecord {
  const { image } = sampleRecord();
  assert.ok(image);
  return sampleRecord({ image: { ...image, digest }, ...changes });
}

const at = (day: number) => `2026-11-0${day}T10:00:00.000Z`;
const digestNumber = (number: number) => `sha256:${String(number).repeat(64)}`;

test('a record in a file is told as text, as Markdown, and as itself', async t => {
  const { folder, run } = await bench(t);
  await writeFile(join(folder, 'r.json'), recordText(sampleRecord()));
  const { text, markdown, told } = await run('r.json');
  assert.match(text, /^\.#comfyui in 1 min 15 s\n1 of 2 layers reused, /);
  assert.match(markdown, /^## \.\\#comfyui in 1 min 15 s\n/);
  assert.deepEqual(told, sampleRecord());
  assert.equal((await run('./r.json', { markdown: 'true' })).text, markdown);
});

test('a record of format 1 is told as far as it goes', async t => {
  const { folder, run } = await bench(t);
  const { spans: _, usage: __, node: ___, ...old } = sampleRecord();
  await writeFile(join(folder, 'r.json'), JSON.stringify({ ...old, version: 1 }));
  assert.match((await run('r.json')).text, /^\.#comfyui in 1 min 15 s\n1 of 2 layers reused, /);
});

test('a trace is written where it is asked for', async t => {
  const { folder, run } = await bench(t);
  await writeFile(join(folder, 'r.json'), recordText(sampleRecord()));
  await run('r.json', { trace: 't.json' });
  const trace = JSON.parse(await readFile(join(folder, 't.json'), 'utf8'));
  assert.equal(trace.otherData.title, '.#comfyui in 1 min 15 s');
});

test('what is no record, and what is not there, is told in one sentence', async t => {
  const { folder, run } = await bench(t);
  await writeFile(join(folder, 'r.json'), '{"version": 3}');
  await assert.rejects(run('r.json'), /r\.json is no record of a run that this program can read/);
  await assert.rejects(run('gone.json'), /gone\.json is not there/);
  await assert.rejects(run('docker-archive:x.tar'), /holds no record/);
  assert.throws(() => parseReport({}, { ...job }), /Input run: it is missing/);
});

const job: RunContext = { face: 'action', currentDirectory: '/', temporaryDirectory: '/' };

test('an image is told by the run that made it, compared with the one before', async t => {
  const { folder, run } = await bench(t);
  const digest = await pushImage(layoutStore(join(folder, 'image'), quietHost()), [], ['cu130']);
  const records = [
    runOf(digestNumber(1), { startedAt: at(1), seconds: 300 }),
    runOf(digest, { startedAt: at(2), seconds: 200 }),
    runOf(digestNumber(3), { startedAt: at(3) }),
  ];
  await remember(folder, 'cache-comfyui-cu130-amd64', records);
  const { text, markdown } = await run('oci:image:cu130');
  assert.match(text, /^\.#comfyui in 3 min 20 s\n/);
  assert.match(markdown, /Against the run of 2026-11-01 10:00/);
  const last = await run('oci:image');
  assert.match(
    last.markdown,
    /^## \.\\#comfyui in 1 min 15 s\n[\s\S]*Against the run of 2026-11-02 10:00/,
  );
});

test('a memory is told by its last run; of several the newest counts where no tag is said', async t => {
  const { folder, run } = await bench(t);
  await remember(folder, 'cache-a-x-amd64', [
    runOf(digestNumber(1), { startedAt: at(5), seconds: 5 }),
  ]);
  await remember(folder, 'cache-b-x-amd64', [
    runOf(digestNumber(2), { startedAt: at(4), seconds: 4 }),
  ]);
  assert.match((await run('oci:image:cache-b-x-amd64')).text, /^\.#comfyui in 4 s\n/);
  assert.match((await run('oci:image')).text, /^\.#comfyui in 5 s\n/);
});

test('an image without a record says where it was looked for', async t => {
  const { folder, run } = await bench(t);
  const store = layoutStore(join(folder, 'image'), quietHost());
  await pushImage(store, [], ['cu130']);
  await assert.rejects(run('oci:image:cu130'), /No run of oci:image:cu130 is on record/);
  await assert.rejects(run('oci:image:other'), /There is nothing at oci:.*image:other/);
});
