import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { allPassages, doors, passages } from '../../scripts/doors.ts';

const root = new URL('../../', import.meta.url);

for (const door of doors) {
  test(`a new file that goes past the door of ${door.name} is found`, () => {
    const file = `${door.within ?? 'src/somewhere/'}new.ts`;
    const found = passages(file, `// ${door.example}\n${door.example}\n`);
    assert.ok(found.some(each => each.door === door && each.line === 2));
    assert.ok(!found.some(each => each.line === 1), 'a comment');
  });

  test(`the door of ${door.name} is where the table says`, () => {
    for (const file of door.only) assert.ok(existsSync(new URL(file, root)), file);
  });
}

test('no line of src/ goes past a door', () => {
  const found = allPassages().map(({ door, file, line }) => `${file}:${line}: ${door.instead}`);
  assert.deepEqual(found, []);
});
