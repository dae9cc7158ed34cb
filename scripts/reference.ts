// Writes what comes from the tables in src/: action.yml, the README's reference, the schemas of a record and a
// plan, and the page of known causes of failures. A test compares them.

import { readFileSync, writeFileSync } from 'node:fs';
import { outputs } from '../src/inputs/outputs.ts';
import { inputs, type NamedInput, variableOf } from '../src/inputs/table.ts';
import { verbNames, verbs } from '../src/inputs/verbs.ts';
import { planSchemaJson, recordSchemaJson } from './record-schema.ts';
import { troubleshootingPage } from './troubleshooting.ts';

const positionals = new Set<string>(Object.values(verbs).flatMap(verb => verb.positional));

/** The action's metadata (docs.github.com, "Metadata syntax for GitHub Actions"). */
export function actionYaml(): string {
  const lines = [
    '# Made by scripts/reference.ts from src/inputs/.',
    'name: comfy-nix-action',
    'description: Build layered CUDA images with Nix and stream them to a registry that remembers',
    'branding:',
    '  icon: layers',
    '  color: blue',
    'inputs:',
    ...inputs.flatMap(input => [
      `  ${input.name}:`,
      `    description: ${yamlText(actionDescription(input))}`,
      '    required: false',
      ...defaultOf(input).map(preset => `    default: ${yamlText(preset)}`),
    ]),
    'outputs:',
    ...Object.entries(outputs).flatMap(([name, { description }]) => [
      `  ${name}:`,
      `    description: ${yamlText(description)}`,
    ]),
    'runs:',
    '  using: node24',
    '  main: dist/main.js',
    '  post: dist/post.js',
    '  post-if: always()',
  ];
  return `${lines.join('\n')}\n`;
}

/** A scalar in double quotes, whose escapes are JSON's. */
function yamlText(text: string): string {
  return JSON.stringify(text);
}

function actionDescription({ description, reader }: NamedInput): string {
  return reader.type === 'choice'
    ? `${description} One of: ${reader.choices?.join(', ')}.`
    : description;
}

/** The default in a workflow, if there is one. */
function defaultOf({ default: preset, workflowDefault }: NamedInput): string[] {
  return [preset ?? workflowDefault ?? []].flat();
}

/** The README's tables of inputs and outputs. */
export function readmeReference(): string {
  return [
    '| input | flag | default | verbs | meaning |',
    '|:--|:--|:--|:--|:--|',
    ...inputs.map(input =>
      row(
        code(input.name),
        flag(input),
        defaultOf(input).map(code).join(''),
        verbsOf(input),
        actionDescription(input),
      ),
    ),
    '',
    '| output | meaning |',
    '|:--|:--|',
    ...Object.entries(outputs).map(([name, { description }]) => row(code(name), description)),
  ].join('\n');
}

function flag(input: NamedInput): string {
  if (input.only === 'action') return 'the subcommand';
  if (positionals.has(input.name)) return 'an argument';
  if (input.secret) return `the variable ${code(variableOf(input.name))}`;
  if (input.reader.type === 'boolean')
    return `${code(`--${input.name}`)}, ${code(`--no-${input.name}`)}`;
  const either = input.variable ? `, or ${code(variableOf(input.name))}` : '';
  return `${code(`--${input.name}`)}${either}`;
}

/** The verbs that read it. */
function verbsOf({ verbs: readers }: NamedInput): string {
  return readers === 'face' || readers.length === verbNames.length ? 'all' : readers.join(', ');
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(...cells: string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const begin = '<!-- reference: begin (npm run reference) -->';
const end = '<!-- reference: end -->';

/** The README with its reference renewed. */
export function withReference(readme: string): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md lacks the markers ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n\n${readmeReference()}\n\n${readme.slice(to)}`;
}

/** The files that are made here, and how; `read` gives a file's present text. */
export const madeFiles: Readonly<Record<string, (read: (name: string) => string) => string>> = {
  'action.yml': actionYaml,
  'docs/record.schema.json': recordSchemaJson,
  'docs/plan.schema.json': planSchemaJson,
  'docs/troubleshooting.md': troubleshootingPage,
  'README.md': read => withReference(read('README.md')),
};

function main(): void {
  const root = new URL('../', import.meta.url);
  const read = (name: string) => readFileSync(new URL(name, root), 'utf8');
  for (const [name, make] of Object.entries(madeFiles)) {
    writeFileSync(new URL(name, root), make(read));
  }
}

if (import.meta.main) main();
