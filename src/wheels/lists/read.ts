import { dirname, join, relative, resolve } from 'node:path';
import { readDocument } from '../../host/document-file.ts';
import { factsOf, holds } from '../markers.ts';
import { readToml } from '../toml.ts';
import type { Variant } from '../variant.ts';
import { type Asked, type Lists, noLists } from './asked.ts';
import { type LineMeaning, meaningOf } from './line.ts';
import { linesOf } from './lines.ts';
import { dependenciesIn } from './project.ts';
import { readSnapshot } from './snapshot.ts';

/** Lists within lists. */
const mostLists = 100;

/** Of one variant, while lists are read. */
interface Reading {
  /** The folder of wheels.toml: places are told from there. */
  folder: string;
  variant: Variant;
  found: Lists;
  /** Files that were read, so that none is read twice. */
  seen: Set<string>;
}

/**
 * What lists ask for in a variant, those that they name included.
 *
 * @param files by their paths from `folder`: requirements.txt, or pyproject.toml
 * @throws Failure where one cannot be read; lines that cannot be taken are told in the result
 */
export async function readLists(
  files: readonly string[],
  folder: string,
  variant: Variant,
): Promise<Lists> {
  const reading: Reading = { folder, variant, found: noLists(), seen: new Set() };
  for (const file of files) await readList(resolve(folder, file), 'wheels.toml', false, reading);
  return reading.found;
}

/** What requirements ask for in a variant that stand in no list of ours; `place` says where. */
export function readLines(lines: readonly string[], place: string, variant: Variant): Lists {
  const reading: Reading = { folder: '', variant, found: noLists(), seen: new Set() };
  for (const text of lines) {
    take(meaningOf(text, place), { text, place, constrains: false }, reading);
  }
  return reading.found;
}

async function readList(
  file: string,
  from: string,
  constrains: boolean,
  reading: Reading,
): Promise<void> {
  const { seen, found, folder } = reading;
  if (seen.has(file) || seen.size > mostLists) return;
  seen.add(file);
  const name = relative(folder, file);
  const content = await readDocument(file);
  if (content === undefined) {
    found.problems.push(`${from}: there is no list ${name}; write its path from ${dirname(from)}.`);
  } else if (content.includes('\0')) {
    found.problems.push(`${name}:1: it is no UTF-8; save it as such.`);
  } else if (/\.json$/.test(file)) {
    addSnapshot(content, name, reading);
  } else if (/\.toml$/.test(file)) {
    readProject(content, name, reading);
  } else await readRequirementsList(content, file, constrains, reading);
}

async function readRequirementsList(
  content: string,
  file: string,
  constrains: boolean,
  reading: Reading,
): Promise<void> {
  const { found, folder } = reading;
  for (const { number, text } of linesOf(content)) {
    const place = `${relative(folder, file)}:${number}`;
    const meaning = meaningOf(text, place);
    if (meaning.kind === 'list') {
      const list = join(dirname(file), meaning.file);
      await readList(list, place, constrains || meaning.constrains, reading);
    } else if (meaning.kind === 'index') {
      if (!found.indexes.includes(meaning.url)) found.indexes.push(meaning.url);
    } else take(meaning, { text, place, constrains }, reading);
  }
}

/** A line as it is shown: who logs in, and how, is nobody's business. */
const shown = (text: string) => (/\/\/[^/\s]*@/.test(text) ? 'an address with a login' : text);

function add(asked: Asked, constrains: boolean, { found, variant }: Reading): void {
  const isFor = holds(asked.marker, factsOf(variant));
  if (isFor === undefined) {
    found.problems.push(
      `${asked.place}: ${asked.text}: "${asked.marker}" is no condition, such as ` +
        'python_version < "3.13".',
    );
  } else if (isFor) (constrains ? found.constraints : found.requirements).push(asked);
}

/** ComfyUI-Manager's snapshot.json. */
function addSnapshot(content: string, name: string, reading: Reading): void {
  const { found } = reading;
  const snapshot = readSnapshot(content, name);
  if (snapshot === undefined) {
    found.problems.push(`${name}:1: it is no snapshot of ComfyUI-Manager; save one anew.`);
    return;
  }
  found.sources.push(...snapshot.sources);
  found.problems.push(...snapshot.problems);
  takeAll(snapshot.lines, text => JSON.stringify(text), { content, name }, reading);
}

/** Takes requirements that stand in a file of another kind, each at the line where it is written. */
function takeAll(
  texts: readonly string[],
  written: (text: string) => string,
  { content, name }: { content: string; name: string },
  reading: Reading,
): void {
  const lines = content.split(/\r?\n/);
  for (const text of texts) {
    const at = lines.findIndex(line => line.includes(written(text))) + 1;
    const place = `${name}:${at || 1}`;
    take(meaningOf(text, place), { text, place, constrains: false }, reading);
  }
}

/** Takes what a line asks for, or says what is wrong with it. */
function take(
  meaning: LineMeaning,
  { text, place, constrains }: { text: string; place: string; constrains: boolean },
  reading: Reading,
): void {
  const { found } = reading;
  if (meaning.kind === 'requirement') add(meaning.asked, constrains, reading);
  else if (meaning.kind === 'source') found.sources.push(meaning.source);
  else if (meaning.kind === 'problem') {
    found.problems.push(`${place}: ${shown(text)}: ${meaning.why}`);
  }
}

/** `[project]` of a pyproject.toml (PEP 621): its dependencies. */
function readProject(content: string, name: string, reading: Reading): void {
  const { found } = reading;
  const read = readToml(content);
  if ('mistake' in read) {
    found.problems.push(`${name}:${read.mistake.line}: this is no TOML: ${read.mistake.reason}.`);
    return;
  }
  const project = dependenciesIn(read.tables);
  if (project === undefined) {
    found.problems.push(`${name}:1: it has no dependencies of [project]; write them as a list.`);
    return;
  }
  takeAll(project, text => text, { content, name }, reading);
}
