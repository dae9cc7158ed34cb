import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { actionYaml, madeFiles, withReference } from '../../../scripts/reference.ts';
import { type InputDefinition, inputs, outputs } from '../../../src/inputs/table.ts';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

for (const [name, make] of Object.entries(madeFiles)) {
  test(`${name} is what the tables give (else run: node scripts/reference.ts)`, () => {
    assert.equal(read(name), make(read));
  });
}

test('action.yml has every input and output, described, and a default only where there is one', () => {
  const yaml = actionYaml();
  const all: readonly InputDefinition[] = inputs;
  for (const input of all) {
    const [, block = ''] = yaml.split(`\n  ${input.name}:\n`);
    const lines = block.split('\n').slice(0, 3);
    assert.match(lines[0] ?? '', /^ {4}description: ".{10,}"$/);
    assert.equal(lines[1], '    required: false');
    assert.equal(lines[2]?.startsWith('    default: '), input.default !== undefined, input.name);
  }
  for (const { name } of outputs)
    assert.match(yaml, new RegExp(`\n  ${name}:\n    description: "`));
});

test('a name stands once in the table, and has the form that the runner takes', () => {
  const names = inputs.map(input => input.name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});

test('a README keeps all that is outside the markers', () => {
  const begin = '<!-- reference: begin (node scripts/reference.ts) -->';
  const end = '<!-- reference: end -->';
  const readme = withReference(`# Title\n\n${begin}\nold\n${end}\n\nmore\n`);
  assert.ok(readme.startsWith(`# Title\n\n${begin}\n\n| input | flag |`));
  assert.ok(readme.endsWith(`\n\n${end}\n\nmore\n`));
  assert.ok(!readme.includes('\nold\n'));
  assert.equal(withReference(readme), readme);
  assert.throws(() => withReference('# Title\n'), /lacks the markers/);
});
