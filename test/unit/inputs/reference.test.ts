import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { actionYaml, madeFiles, withReference } from '../../../scripts/reference.ts';
import { outputs } from '../../../src/inputs/outputs.ts';
import { cacheInputs } from '../../../src/inputs/table/caches.ts';
import { imageInputs } from '../../../src/inputs/table/image.ts';
import { nixInputs } from '../../../src/inputs/table/nix.ts';
import { registryInputs } from '../../../src/inputs/table/registry.ts';
import { reportInputs } from '../../../src/inputs/table/report.ts';
import { taskInputs } from '../../../src/inputs/table/task.ts';
import { wheelsInputs } from '../../../src/inputs/table/wheels.ts';
import { inputs } from '../../../src/inputs/table.ts';

const read = (name: string) => readFileSync(new URL(`../../../${name}`, import.meta.url), 'utf8');

for (const [name, make] of Object.entries(madeFiles)) {
  test(`${name} is what the tables give (else run: npm run reference)`, () => {
    assert.equal(read(name), make(read));
  });
}

test('action.yml has every input and output, described, and a default only where there is one', () => {
  const yaml = actionYaml();
  for (const input of inputs) {
    const [, block = ''] = yaml.split(`\n  ${input.name}:\n`);
    const lines = block.split('\n').slice(0, 3);
    assert.match(lines[0] ?? '', /^ {4}description: ".{10,}"$/);
    assert.equal(lines[1], '    required: false');
    const hasDefault = (input.default ?? input.workflowDefault) !== undefined;
    assert.equal(lines[2]?.startsWith('    default: '), hasDefault, input.name);
  }
  for (const name of Object.keys(outputs))
    assert.match(yaml, new RegExp(`\n  ${name}:\n    description: "`));
});

test('a name stands once in the table, and has the form that the runner takes', () => {
  const names = inputs.map(input => input.name);
  const groups = [taskInputs, imageInputs, registryInputs, nixInputs, cacheInputs];
  const all = [...groups, wheelsInputs, reportInputs].flatMap(group => Object.keys(group));
  assert.deepEqual(all, names);
  for (const name of names) assert.match(name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
});

test('a README keeps all that is outside the markers', () => {
  const begin = '<!-- reference: begin (npm run reference) -->';
  const end = '<!-- reference: end -->';
  const readme = withReference(`# Title\n\n${begin}\nold\n${end}\n\nmore\n`);
  assert.ok(readme.startsWith(`# Title\n\n${begin}\n\n| input | flag | default | verbs |`));
  assert.ok(readme.endsWith(`\n\n${end}\n\nmore\n`));
  assert.ok(!readme.includes('\nold\n'));
  assert.equal(withReference(readme), readme);
  assert.throws(() => withReference('# Title\n'), /lacks the markers/);
});
