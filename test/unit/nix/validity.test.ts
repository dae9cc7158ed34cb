import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createEventReader } from '../../../src/nix/events.ts';
import type { DerivationOutput, NixEvent } from '../../../src/nix/types.ts';
import { watchValidity } from '../../../src/nix/validity.ts';
import { standInStore, storePath } from '../../tools/stand-in-store.ts';

const output = (name: string): DerivationOutput => ({
  drvPath: `${storePath(name)}.drv`,
  outputName: 'out',
  outPath: storePath(name),
});
const [base, deps, app] = ['base', 'deps', 'app'].map(output) as [Output, Output, Output];
type Output = DerivationOutput;

/** A watch of these outputs in a store without any; `put` makes files, `register` makes them valid. */
async function scene(t: TestContext, outputs: Output[], valid: Output[] = []) {
  const place = await mkdtemp(join(tmpdir(), 'validity-'));
  t.after(() => rm(place, { recursive: true }));
  const references = new Map<string, readonly string[]>();
  const { nix, asked } = standInStore(references);
  const reader = createEventReader();
  const told: string[] = [];
  const tell = (event: NixEvent) => {
    if (event.type === 'output-valid') told.push(`${basename(event.outPath).slice(33)} valid`);
    if (event.type === 'build-end') told.push(`${basename(event.drvPath).slice(33)} ended`);
  };
  const before = new Set(valid.map(({ outPath }) => outPath));
  const watch = watchValidity({ ...nix, place }, outputs, before, reader, tell);
  return {
    watch,
    reader,
    told,
    asked: () => asked.map(({ paths }) => paths),
    put: ({ outPath }: Output) => writeFile(join(place, basename(outPath)), ''),
    register: ({ outPath }: Output) => references.set(outPath, []),
  };
}

test('what is valid from the start is told and not asked for, and so is what Nix has said', async t => {
  const { watch, told, asked } = await scene(t, [base, app], [base, deps]);
  assert.deepEqual(told, ['base valid']);
  watch.look();
  const valid = await watch.finish(true);
  assert.deepEqual(told, ['base valid', 'app valid']);
  assert.deepEqual(valid, new Set([base.outPath, app.outPath]));
  assert.deepEqual(asked(), []);
});

test('only what is on the disk is asked for, until it is valid', async t => {
  const { watch, told, asked, put, register } = await scene(t, [base, deps, app], [base]);
  await Promise.all([put(base), put(deps)]);
  assert.deepEqual(await watch.finish(false), new Set([base.outPath]));
  register(deps);
  assert.deepEqual(await watch.finish(false), new Set([base.outPath, deps.outPath]));
  assert.deepEqual(told, ['base valid', 'deps valid']);
  await watch.finish(false);
  assert.deepEqual(asked(), [[deps.outPath], [deps.outPath]]);
});

test('a valid output ends its build, where Nix holds that back', async t => {
  const { watch, reader, told, put, register } = await scene(t, [app]);
  const start = { action: 'start', id: 7, type: 105, fields: [app.drvPath, '', 1, 1], text: '' };
  reader.read(`@nix ${JSON.stringify({ ...start, level: 3, parent: 0 })}`, 0);
  assert.deepEqual(reader.running(), [app.drvPath]);
  await put(app);
  register(app);
  await watch.finish(false);
  assert.deepEqual(told, ['app.drv ended', 'app valid']);
  assert.deepEqual(reader.running(), []);
});
