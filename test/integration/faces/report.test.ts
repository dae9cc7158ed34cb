import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recordText } from '../../../src/record/text.ts';
import { memoryPlace } from '../../../src/registry/memory/place.ts';
import { openStore } from '../../../src/registry/open.ts';
import { summaryMarkdown } from '../../../src/report/summary.ts';
import { traceText } from '../../../src/report/trace.ts';
import { quietHost } from '../../tools/host.ts';
import { startRegistry } from '../../tools/registry.ts';
import { startRunner } from '../../tools/runner.ts';
import { pushImage } from '../../tools/test-image.ts';
import { sampleRecord } from '../../unit/record/sample.ts';

const dist = (name: string) => fileURLToPath(new URL(`../../../dist/${name}`, import.meta.url));

async function bench(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'report-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'r.json'), recordText(sampleRecord()));
  // by a pipe of a shell: Node gives sockets, which /dev/stdout is no name for
  const piped = ['-c', 'set -o pipefail; "$@" | cat', 'bash'];
  const report = (...args: string[]) =>
    spawnSync('bash', [...piped, process.execPath, dist('cli.js'), 'report', ...args], {
      ...{ cwd: folder, encoding: 'utf8' },
      env: { ...process.env, GITHUB_ACTIONS: '', RUNNER_TEMP: '' },
    });
  return { folder, report };
}

test('report FILE prints what happened on standard output, and writes a trace and a page', async t => {
  const { folder, report } = await bench(t);
  const { status, stdout, stderr } = report('r.json', '--trace', 't.json', '--html', 'p.html');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^\.#comfyui in 1 min 15 s\n1 of 2 layers reused, layer3-pytorch built in/);
  assert.ok(JSON.parse(await readFile(join(folder, 't.json'), 'utf8')).traceEvents.length > 3);
  const page = await readFile(join(folder, 'p.html'), 'utf8');
  const script = await readFile(dist('chunks/page.js'), 'utf8');
  // its own program ends no script element
  assert.doesNotMatch(script, /<\/script|<!--/i);
  assert.ok(page.includes(`<script>${script}</script>\n</body>`));
  assert.ok(page.length < 200_000);
});

test('a trace that goes to standard output is all that is there', async t => {
  const { report } = await bench(t);
  const { status, stdout, stderr } = report('r.json', '--trace', '/dev/stdout');
  assert.equal(status, 0, stderr);
  assert.equal(stdout, traceText(sampleRecord()));
  assert.match(stderr, /^\.#comfyui in 1 min 15 s\n/);
  const both = report('r.json', '--html', '/dev/stdout', '--json');
  assert.deepEqual([both.status, both.stdout], [2, '']);
  assert.match(both.stderr, /--json writes to standard output, which takes the page already/);
});

test('report REF reads the record back from the registry; --json prints it, and nothing else', async t => {
  const { report } = await bench(t);
  const registry = await startRegistry();
  t.after(registry.stop);
  const repository = `${registry.address}/o/comfyui`;
  const store = openStore(repository, { host: quietHost(), credentials: {} });
  t.after(() => store.close());
  const digest = await pushImage(store, [], ['cu130']);
  const { image } = sampleRecord();
  assert.ok(image);
  // more lines than people are shown of a text
  const warnings = Array.from({ length: 25_000 }, (_, at) => `::warning::${at} \u202e`);
  const record = sampleRecord({ image: { ...image, digest }, warnings });
  const options = { storeDir: '/nix/store', architecture: 'amd64', host: quietHost() };
  await memoryPlace(store, 'cache-comfyui-cu130-amd64', options).write({
    image: { outputs: [], blobs: [], roots: [] },
    isNews: true,
    record: { text: recordText(record), image: digest },
  });
  const names = [`${repository}:cu130`, `${repository}@${digest}`, repository];
  for (const name of [...names, `${repository}:cache-comfyui-cu130-amd64`]) {
    const { status, stdout, stderr } = report(name, '--json');
    assert.deepEqual([status, stderr], [0, ''], name);
    assert.deepEqual(JSON.parse(stdout), record);
    assert.doesNotMatch(stdout, /\u202e/);
  }
  const unknown = report(`${repository}:other`);
  assert.deepEqual([unknown.status, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^comfy-nix: There is nothing at .*\/o\/comfyui:other\.\nNext: /);
});

test('in a workflow the summary is the one that the run itself had', async t => {
  const { folder } = await bench(t);
  const runner = await startRunner();
  t.after(runner.dispose);
  const inputs = { command: 'report', run: join(folder, 'r.json') };
  const { code, summary, log } = await runner.run(dist('main.js'), { inputs });
  assert.equal(code, 0, log);
  assert.equal(summary, summaryMarkdown(sampleRecord()));
});
