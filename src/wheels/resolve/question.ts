import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Variant } from '../variant.ts';

/** A requirement that the resolver is asked to meet. */
export interface AskedFor {
  name: string;
  /** PEP 508, without a marker: "qrcode[pil]>=8". */
  text: string;
  /** The index that it comes from, where that is not the usual one; or a wheel's address. */
  from?: { index: string } | { url: string } | undefined;
}

/** What a resolver is asked for one variant. */
export interface Question {
  variant: Variant;
  requirements: readonly AskedFor[];
  /** PEP 508. */
  constraints: readonly string[];
  /** PEP 508: what all requirements of that project are taken for. */
  overrides: readonly string[];
  /** Projects that are left out, whoever requires them. */
  excludes: readonly string[];
  /** Projects that are there in one version, and are not looked for. */
  provided: ReadonlyMap<string, string>;
  /** Whether all that the requirements require is asked for as well. */
  isWhole: boolean;
  packageIndex: string;
  /** Looked at before it. */
  indexes: readonly string[];
}

/** The folder's name in which a provided project stands for itself. */
const standIns = 'provided';

/** The files of a question, and what uv is started with. */
export async function writeQuestion(question: Question, folder: string): Promise<string[]> {
  for (const [name, version] of question.provided) {
    await mkdir(join(folder, standIns, name), { recursive: true });
    const text = tomlTable('project', { name, version });
    await writeFile(join(folder, standIns, name, 'pyproject.toml'), text);
  }
  await writeFile(join(folder, 'pyproject.toml'), projectOf(question));
  const lists = { excludes: question.excludes, overrides: question.overrides };
  const files = { ...lists, constraints: question.constraints };
  const options: string[] = [];
  for (const [name, lines] of Object.entries(files)) {
    if (lines.length === 0) continue;
    await writeFile(join(folder, `${name}.txt`), `${lines.join('\n')}\n`);
    options.push(`--${name}`, `${name}.txt`);
  }
  const { system, python } = question.variant;
  return [
    ...['pip', 'compile', 'pyproject.toml', '--format', 'pylock.toml', '--no-config'],
    ...['--output-file', answerFile, '--no-python-downloads', '--only-binary', ':all:'],
    ...['--python-version', python, '--python-platform', `${system.split('-')[0]}-manylinux_2_40`],
    ...[
      '--default-index',
      question.packageIndex,
      '--no-progress',
      '--color',
      'never',
      '--no-header',
    ],
    ...(question.isWhole ? [] : ['--no-deps']),
    ...question.indexes.flatMap(index => ['--index', index]),
    ...options,
  ];
}

/** What uv writes (PEP 751). */
export const answerFile = 'pylock.answer.toml';

/** How the asker is called in uv's sentences: "your-lists depends on …". */
const asker = 'your-lists';

function projectOf({ variant, requirements, provided }: Question): string {
  const indexes = [
    ...new Set(requirements.flatMap(({ from }) => (from && 'index' in from ? from.index : []))),
  ];
  const nameOf = (url: string) => `index-${indexes.indexOf(url)}`;
  const sources = new Map<string, Record<string, string>>();
  for (const { name, from } of requirements) {
    if (from)
      sources.set(name, 'index' in from ? { index: nameOf(from.index) } : { url: from.url });
  }
  for (const name of provided.keys()) sources.set(name, { path: `${standIns}/${name}` });
  const texts = [...provided.keys(), ...requirements.map(({ text }) => text)];
  return [
    tomlTable('project', {
      ...{ name: asker, version: '0', 'requires-python': `==${variant.python}.*` },
      dependencies: texts,
    }),
    '[tool.uv.sources]\n',
    ...[...sources].map(([name, source]) => `${name} = ${inline(source)}\n`),
    ...indexes.map(
      url => `[[tool.uv.index]]\n${lines({ name: nameOf(url), url, explicit: true })}`,
    ),
  ].join('');
}

type Values = Readonly<Record<string, unknown>>;

const tomlTable = (name: string, values: Values) => `[${name}]\n${lines(values)}`;
/** JSON's texts and lists are TOML's. */
const pairs = (values: Values) =>
  Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
const lines = (values: Values) => `${pairs(values).join('\n')}\n`;
const inline = (values: Values) => `{ ${pairs(values).join(', ')} }`;
