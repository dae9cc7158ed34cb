import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { evaluatedText } from '../../tools/workflow-expressions.ts';
import { workflowParser } from '../../tools/workflow-parser.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(`${root}${file}`, 'utf8');

/** A workflow, by what names it: a file, or a page and the number of its example. */
type Workflows = [name: string, content: string][];

const files: Workflows = globSync('{.github,templates/*/.github,examples}/workflows/*.yml', {
  cwd: root,
})
  .sort()
  .map(file => [file, read(file)]);

/** Examples of pages that are whole workflows. */
const examples: Workflows = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()].flatMap(
  page =>
    [...read(page).matchAll(/^```yaml\n(name: .*?)^```$/gms)].map(
      ([, content = ''], index) => [`${page} (${index + 1})`, content] as [string, string],
    ),
);

const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await workflowParser();

describe('a workflow is one to GitHub', () => {
  assert.ok(files.length >= 3 && examples.length >= 2);
  for (const [name, content] of [...files, ...examples]) {
    test(name, async () => {
      assert.deepEqual(await complaints(content), []);
    });
  }

  const steps = (list: string) => `on: push\njobs: { a: { runs-on: x, ${list} } }\n`;
  for (const wrong of ['stepz: []', 'steps: [{ run: "$\u007b{ nowhere.x }}" }]']) {
    test(`but not one with ${wrong}`, async () => {
      assert.notDeepEqual(await complaints(steps(wrong)), []);
    });
  }
});

async function complaints(content: string): Promise<string[]> {
  const { context, value } = parseWorkflow({ name: 'it', content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

test('steps give this action inputs that it has, and take outputs that it has', () => {
  const { inputs, outputs } = parse(read('action.yml')) as { inputs: object; outputs: object };
  for (const [name, content] of [...files, ...examples]) {
    for (const { id, with: given = {} } of ownSteps(parse(content))) {
      for (const input of Object.keys(given)) assert.ok(input in inputs, `${name}: ${input}`);
      for (const output of outputsOf(id, content)) {
        assert.ok(output in outputs, `${name}: ${output}`);
      }
    }
  }
});

/** Steps of a workflow that are this action's. */
function ownSteps(workflow: {
  jobs: Record<string, { steps?: { id?: string; uses?: string; with?: object }[] }>;
}) {
  const steps = Object.values(workflow.jobs).flatMap(job => job.steps ?? []);
  return steps.filter(({ uses }) => uses?.startsWith('org/comfy-nix-action@'));
}

/** Names of the outputs of a step that expressions of its workflow take. */
const outputsOf = (id: string | undefined, content: string): string[] =>
  [...content.matchAll(/\bsteps\.([\w-]+)\.outputs\.([\w-]+)/g)].flatMap(([, step, output = '']) =>
    step === id ? output : [],
  );

describe('the tags of templates/layered', () => {
  const [, workflow = ''] = files.find(([name]) => basename(name) === 'image.yml') ?? [];
  const { tags } = parse(workflow).jobs.variant.steps.at(-1).with;
  const given = (event: string, ref: string) =>
    evaluatedText(tags, {
      contexts: {
        github: { event_name: event, ref_name: ref },
        matrix: { variant: 'cu130-py313' },
      },
    })
      .split('\n')
      .filter(line => line !== '');

  test('of a branch and of a release say the variant', () => {
    assert.deepEqual(given('push', 'main'), ['cu130-py313', 'main-cu130-py313']);
    assert.deepEqual(given('push', 'v1.2'), ['cu130-py313', 'v1.2-cu130-py313']);
  });

  test('of a pull request are tags, whatever its ref', () => {
    assert.deepEqual(given('pull_request', '7/merge'), ['cu130-py313']);
  });
});
