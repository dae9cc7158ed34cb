import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readDocument } from '../../../src/host/document-file.ts';
import { limits } from '../../../src/host/limits.ts';

test('a document is read whole; one that is missing is undefined, all else says why', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'document-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'file');
  assert.equal(await readDocument(file), undefined);
  writeFileSync(file, 'text');
  assert.equal(await readDocument(file), 'text');
  truncateSync(file, limits.document + 1);
  const tooLarge = { name: 'Failure', message: /file could not be read: it has \d+ bytes/ };
  await assert.rejects(readDocument(file), tooLarge);
  await assert.rejects(readDocument(folder), { name: 'Failure', message: /EISDIR/ });
  await assert.rejects(readDocument(join(file, 'x')), { name: 'Failure', message: /ENOTDIR/ });
});
