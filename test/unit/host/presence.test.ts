import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  isExecutable,
  isNamed,
  isReadable,
  isThere,
  isWritable,
  namedAt,
  namesIn,
  refusalToWrite,
  shortTextAt,
  statsAt,
  textAt,
  unlessMissing,
} from '../../../src/host/presence.ts';

/** A folder with a file of five bytes, a link to it, and a link that leads to nothing. */
function files(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'presence-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('file'), 'bytes', { mode: 0o644 });
  symlinkSync('file', at('link'));
  symlinkSync('nothing', at('loose'));
  return at;
}

test('a link is what it leads to, or what it is itself', async context => {
  const at = files(context);
  assert.deepEqual(
    await Promise.all(['file', 'link', 'loose', 'none'].map(name => isThere(at(name)))),
    [true, true, false, false],
  );
  assert.deepEqual(
    await Promise.all(['file', 'link', 'loose', 'none'].map(name => isNamed(at(name)))),
    [true, true, true, false],
  );
  assert.equal((await statsAt(at('link')))?.size, 5);
  assert.ok((await namedAt(at('link')))?.isSymbolicLink());
  assert.equal(await statsAt(at('loose')), undefined);
  assert.equal(await namedAt(at('none')), undefined);
});

test('what may be done with it', async context => {
  const at = files(context);
  assert.ok((await isReadable(at('link'))) && (await isWritable(at('file'))));
  // root may do all but run what nobody may run
  assert.equal(await isExecutable(at('file')), false);
  assert.equal(await isExecutable(at('.')), true);
  assert.equal(await refusalToWrite(at('file')), undefined);
  assert.equal(await refusalToWrite(at('none')), 'ENOENT');
  for (const may of [isReadable, isWritable, isExecutable]) {
    assert.equal(await may(at('none')), false);
  }
});

test('texts and names; nothing where there is nothing', async context => {
  const at = files(context);
  assert.equal(await textAt(at('link')), 'bytes');
  assert.equal(await textAt(at('.')), undefined);
  assert.deepEqual((await namesIn(at('.'))).sort(), ['file', 'link', 'loose']);
  assert.deepEqual(await namesIn(at('file')), []);
});

test('what is longer than such files are, or no file, has no text', async context => {
  const at = files(context);
  assert.equal(await shortTextAt(at('file'), 5), 'bytes');
  assert.equal(await shortTextAt(at('file'), 4), undefined);
  assert.equal(await shortTextAt(at('none'), 5), undefined);
  assert.equal(await shortTextAt('/dev/null', 5), undefined);
});

test('what is missing is told from what cannot be read', async context => {
  const at = files(context);
  assert.equal(await readFile(at('none')).catch(unlessMissing), undefined);
  await assert.rejects(readFile(at('file/none')).catch(unlessMissing), { code: 'ENOTDIR' });
});
