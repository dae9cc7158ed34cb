import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseCopy } from '../../../src/inputs/verbs/copy.ts';

const terminal: RunContext = {
  face: 'command-line',
  currentDirectory: '/somewhere',
  temporaryDirectory: '/private',
};

const wrong: [RawInputs, RegExp][] = [
  [{ destination: 'oci:x' }, /^Input source: it is missing/],
  [{ source: 'oci:x' }, /^Input destination: it is missing/],
  [{ source: 'oci:x', destination: '-' }, /^Input destination: "-" is standard output, and here/],
  [{ source: 'oci:x', destination: 'oci:' }, /^Input destination: "oci:" names no folder/],
  [{ source: 'oci:x', destination: 'no name' }, /^Input destination: expected a repository/],
  [{ source: 'oci:x', destination: 'ghcr.io/o/n', tags: 'a b' }, /^Input tags: .*"a b"/],
];

for (const [raw, message] of wrong) {
  test(`copy refuses ${JSON.stringify(raw)}`, () => {
    assert.throws(() => parseCopy(raw, terminal), { message, exitCode: 2 });
  });
}

test('a copy goes to standard output where a program or a file takes it', () => {
  const raw = { source: 'oci:x', destination: '-' };
  const { destination } = parseCopy(raw, { ...terminal, takesImage: true });
  assert.deepEqual(destination, { image: '-', tags: [] });
});
