import { compareRecords } from '../record/compare.ts';
import type { BuildRecord } from '../record/types.ts';
import { hasFindings } from './audit.ts';
import { auditMarkdown } from './audit-markdown.ts';
import { foreseenSentence } from './forecast.ts';
import { ganttMermaid } from './gantt.ts';
import { imageReference } from './layers.ts';
import { alert, cells, code, escapeText, fenced, shellBlock } from './markdown.ts';
import { nextSteps } from './next-steps.ts';
import { cacheRows, diskLine, machineName, machinesLine, otherWarnings } from './places.ts';
import { brokenSentences, limitsMarkdown } from './run-limits.ts';
import { fitted, type Section } from './sections.ts';
import { runSentence, runTitle, wouldPushSentence } from './sentence.ts';
import { slowestBuilds } from './slowest.ts';
import { comparedSentences, layerRows, packageRows } from './summary-tables.ts';
import { formatSeconds, storeName } from './units.ts';
import { whyMarkdown, whyOfRun } from './why.ts';

/** Characters of a failure that go into the summary. */
const failureLimit = 20_000;

/** Derivations that are listed; the record has all of them. */
const mostBuilds = 10;

/**
 * The run as a Markdown document, for GitHub's step summary.
 * @param previous the run that it is compared with
 */
export function summaryMarkdown(record: BuildRecord, previous?: BuildRecord): string {
  const comparison = previous && compareRecords(previous, record);
  const sections: Section[] = [
    { name: 'title', parts: [`## ${escapeText(runTitle(record))}`] },
    { name: 'sentence', parts: [escapeText(runSentence(record))] },
    { name: 'failure', parts: failure(record) },
    { name: 'notes', parts: notes(record) },
    { name: 'image', parts: reference(record) },
    { name: 'layers', parts: layerRows(record, comparison), rank: 1 },
    { name: 'comparison', parts: comparedSentences(previous, comparison), rank: 1 },
    { name: 'why', parts: whyMarkdown(whyOfRun(record)), rank: 2 },
    { name: 'what was foreseen', parts: foreseen(record), rank: 3 },
    { name: 'limits', parts: limitsMarkdown(record), rank: 1 },
    { name: 'picture', parts: picture(record), rank: 3 },
    { name: 'what next', parts: whatNext(record), rank: 2 },
    { name: 'slowest builds', parts: builds(record), rank: 4 },
    { name: 'packages', parts: packageRows(comparison), rank: 5 },
    { name: 'caches', parts: caches(record), rank: 6 },
    { name: 'warnings', parts: warnings(record), rank: 2 },
    { name: 'audit', parts: audit(record), rank: 7 },
    { name: 'versions', parts: [versions(record)] },
  ];
  return fitted(sections);
}

/** The summary of a run that failed before there was a record. */
export function failureMarkdown(failure: string): string {
  return `## The run failed\n\n${fenced(failure.slice(-failureLimit))}\n`;
}

function failure({ failure: text }: BuildRecord): string[] {
  return text === undefined ? [] : [fenced(text.slice(-failureLimit))];
}

/** What a run was not allowed to do, and what it would have done. */
function notes(record: BuildRecord): string[] {
  const { notPushed, notCached } = record;
  const wouldPush = wouldPushSentence(record);
  const pushing = [notPushed, wouldPush].filter(sentence => sentence !== undefined).join(' ');
  return [pushing, notCached ?? '']
    .filter(sentence => sentence !== '')
    .map(sentence => alert('NOTE', sentence));
}

const foreseen = (record: BuildRecord): string[] => {
  const sentence = foreseenSentence(record);
  return sentence === undefined ? [] : [escapeText(sentence)];
};

/** But for those of limits, whose table says the same. */
function warnings(record: BuildRecord): string[] {
  const said = new Set(brokenSentences(record.limits ?? []));
  return otherWarnings(record)
    .filter(warning => !said.has(warning))
    .map(warning => alert('WARNING', warning));
}

function reference(record: BuildRecord): string[] {
  const name = imageReference(record);
  if (name === undefined) return [];
  const tags = (record.image?.tags ?? []).map(tag => code(tag)).join(', ');
  return [tags === '' ? code(name) : `${code(name)}, tagged ${tags}`];
}

function picture(record: BuildRecord): string[] {
  const gantt = ganttMermaid(record);
  return gantt === undefined ? [] : [`\`\`\`mermaid\n${gantt}\n\`\`\``];
}

function whatNext(record: BuildRecord): string[] {
  const steps = nextSteps(record);
  if (steps === undefined) return [];
  const { commands, notes } = steps;
  return [
    ...(commands.length === 0 ? [] : ['### What next', shellBlock(commands)]),
    // sentences of this program, in Markdown
    ...notes,
  ];
}

/** Where the time went is what most readers ask first. */
function builds(record: BuildRecord): string[] {
  const all = slowestBuilds(record);
  if (all.length === 0) return [];
  const rows = all
    .slice(0, mostBuilds)
    .map(({ derivation, layer, machine, seconds, ended }) =>
      cells(
        code(storeName(derivation)),
        code(layer),
        escapeText(machineName(machine)),
        ended === undefined ? formatSeconds(seconds) : `${formatSeconds(seconds)}, ${ended}`,
      ),
    );
  const more = all.length - rows.length;
  const head = [cells('derivation', 'layer', 'machine', 'time'), '|:--|:--|:--|--:|'];
  const machines = machinesLine(record);
  return [
    more === 0 ? '### Builds' : `### The ${rows.length} slowest of ${all.length} builds`,
    [...head, ...rows].join('\n'),
    ...(machines === undefined ? [] : [escapeText(machines)]),
  ];
}

function caches(record: BuildRecord): string[] {
  const rows = cacheRows(record).map(([cache, use, result]) =>
    cells(code(cache), use, escapeText(result)),
  );
  const disk = diskLine(record);
  return [
    ...(rows.length === 0
      ? []
      : [[cells('cache', 'use', 'result'), '|:--|:--|:--|', ...rows].join('\n')]),
    ...(disk === undefined ? [] : [escapeText(disk)]),
  ];
}

const audit = ({ audit }: BuildRecord): string[] =>
  audit !== undefined && hasFindings(audit) ? auditMarkdown(audit) : [];

const versions = ({ program, nix }: BuildRecord): string =>
  `Made by ${escapeText(program)}${nix.version === '' ? '' : ` with Nix ${escapeText(nix.version)}`}.`;
