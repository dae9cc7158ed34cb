import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { auditMarkdown } from './audit-markdown.ts';
import { imageReference, layerOrigin, layerSums, pullNote, storedSize } from './layers.ts';
import { alert, cells, code, escapeText } from './markdown.ts';
import { cacheRows, diskLine, machineName, machinesLine } from './places.ts';
import { formatBytes, formatSeconds, storeName } from './units.ts';

/** Characters of a failure that go into the summary; GitHub takes 1 MiB of summary in all. */
const failureLimit = 20_000;

/** The run as a Markdown document, for GitHub's step summary. */
export function summaryMarkdown(record: BuildRecord): string {
  return `${[
    `## ${title(record)}`,
    ...failure(record),
    ...refusals(record),
    ...reference(record),
    ...layerRows(record),
    ...builds(record),
    ...caches(record),
    ...phases(record),
    ...disk(record),
    ...record.warnings.map(warning => alert('WARNING', warning)),
    ...note(record),
    ...(record.audit === undefined ? [] : auditMarkdown(record.audit)),
  ].join('\n\n')}\n`;
}

/** The summary of a run that failed before there was a record. */
export function failureMarkdown(failure: string): string {
  return `## The run failed\n\n${fenced(failure)}\n`;
}

function title(record: BuildRecord): string {
  const what = escapeText(record.flake);
  const time = formatSeconds(record.seconds);
  return record.outcome === 'success' ? `${what} in ${time}` : `${what} failed after ${time}`;
}

function failure(record: BuildRecord): string[] {
  return record.failure === undefined ? [] : [fenced(record.failure)];
}

/** What a run was not allowed to do. */
function refusals({ notPushed, notCached }: BuildRecord): string[] {
  return [notPushed, notCached]
    .filter(sentence => sentence !== undefined)
    .map(sentence => alert('NOTE', sentence));
}

/** Text as it is, in a fence that is longer than any within, so that the text cannot end it. */
function fenced(text: string): string {
  const end = text.slice(-failureLimit);
  const longest = Math.max(2, ...[...end.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${end}\n${fence}`;
}

function reference(record: BuildRecord): string[] {
  const name = imageReference(record);
  if (name === undefined) return [];
  const tags = (record.image?.tags ?? []).map(tag => code(tag)).join(', ');
  return [tags === '' ? code(name) : `${code(name)}, tagged ${tags}`];
}

function layerRows(record: BuildRecord): string[] {
  if (record.layers.length === 0) return [];
  const rows = record.layers.map(layer => row(layer));
  const total = cells(
    '**total**',
    '',
    formatSeconds(record.seconds),
    formatBytes(storedSize(record)),
    formatBytes(record.sentBytes),
  );
  const head = [cells('layer', 'origin', 'time', 'size', 'sent'), '|:--|:--|--:|--:|--:|'];
  return [[...head, ...rows, total].join('\n')];
}

function row(layer: LayerRecord): string {
  const { size, sent } = layerSums(layer);
  return cells(
    code(layer.name),
    layerOrigin(layer),
    formatSeconds(layer.seconds),
    layer.blobs.length === 0 ? '–' : formatBytes(size),
    formatBytes(sent),
  );
}

/** Builds that are listed; the record has all of them. */
const mostBuilds = 200;

/** The builds, folded, longest first: where the time went is what most readers ask first. */
function builds(record: BuildRecord): string[] {
  const all = record.layers
    .flatMap(layer => layer.builtDerivations.map(build => ({ ...build, layer: layer.name })))
    .sort((a, b) => b.seconds - a.seconds);
  if (all.length === 0) return [];
  const rows = all
    .slice(0, mostBuilds)
    .map(({ derivation, layer, machine, seconds }) =>
      cells(
        code(storeName(derivation)),
        code(layer),
        escapeText(machineName(machine)),
        formatSeconds(seconds),
      ),
    );
  const more = all.length - rows.length;
  const head = [cells('derivation', 'layer', 'machine', 'time'), '|:--|:--|:--|--:|'];
  const machines = machinesLine(record);
  return [
    ...(machines === undefined ? [] : [escapeText(machines)]),
    '<details><summary>Builds, slowest first</summary>',
    [...head, ...rows].join('\n'),
    ...(more === 0 ? [] : [`${more} more are in the record.`]),
    '</details>',
  ];
}

function caches(record: BuildRecord): string[] {
  const rows = cacheRows(record).map(([cache, use, result]) =>
    cells(code(cache), use, escapeText(result)),
  );
  if (rows.length === 0) return [];
  return [[cells('cache', 'use', 'result'), '|:--|:--|:--|', ...rows].join('\n')];
}

function disk(record: BuildRecord): string[] {
  const line = diskLine(record);
  return line === undefined ? [] : [escapeText(line)];
}

function phases(record: BuildRecord): string[] {
  if (record.phases.length === 0) return [];
  const parts = record.phases.map(({ phase, seconds }) => `${phase} ${formatSeconds(seconds)}`);
  return [`Phases: ${parts.join(' · ')}. Nix ${escapeText(record.nix.version)}.`];
}

function note(record: BuildRecord): string[] {
  const sentence = record.image?.digest === undefined ? undefined : pullNote(record);
  return sentence === undefined ? [] : [sentence];
}
