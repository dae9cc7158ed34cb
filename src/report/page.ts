import { compareRecords } from '../record/compare.ts';
import type { BuildRecord } from '../record/types.ts';
import { cspHash, type Html, html, jsonForScript, raw } from './html.ts';
import { nextSteps } from './next-steps.ts';
import { barKinds, pageData } from './page-data.ts';
import { factsTable, historyTable, layersTable, packagesSection, workRows } from './page-tables.ts';
import { otherWarnings } from './places.ts';
import { runSentence, runTitle, wouldPushSentence } from './sentence.ts';
import { formatSeconds } from './units.ts';

/** What the page is made of beside the run. */
export interface PageParts {
  /** A program for a browser. */
  script: string;
  style: string;
}

/** A run, and those before it. */
export interface PageRun {
  record: BuildRecord;
  previous?: BuildRecord | undefined;
  /** Newest first. */
  earlier: readonly BuildRecord[];
}

/**
 * The run as one web page that loads nothing: all of it stands in tables, and its program draws the time
 * line and the last runs. No text of a record can become markup or script: the policy lets run what is
 * named in it by its hash alone.
 */
export function pageHtml(run: PageRun, { script, style }: PageParts): string {
  const { record } = run;
  const title = runTitle(record);
  const policy =
    `default-src 'none'; script-src ${cspHash(script)}; style-src ${cspHash(style)}; ` +
    "base-uri 'none'; form-action 'none'";
  const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
`;
  const data = jsonForScript(pageData(record, run.earlier));
  return [
    head,
    `<style>${style}</style>\n</head>\n<body>\n`,
    body(run, title),
    `<script type="application/json" id="data">${data}</script>\n`,
    `<script>${script}</script>\n</body>\n</html>\n`,
  ].join('');
}

function body({ record, previous, earlier }: PageRun, title: string): Html {
  const comparison = previous && compareRecords(previous, record);
  return html`<header>
<h1>${title}</h1>
<p class="lead">${runSentence(record)}</p>
${raw(...notes(record))}</header>
<main>
${raw(timeLine(), layersTable(record, previous, comparison), work(record))}
${raw(packagesSection(record, comparison), history([record, ...earlier]), factsTable(record))}
${raw(next(record))}</main>
<div id="tip" hidden></div>
`;
}

function notes(record: BuildRecord): Html[] {
  const { failure, notPushed, notCached } = record;
  const wouldPush = wouldPushSentence(record);
  return [
    ...(failure === undefined ? [] : [html`<pre class="failure">${failure}</pre>\n`]),
    ...[notPushed, wouldPush, notCached]
      .filter(note => note !== undefined)
      .map(note => html`<p class="note">${note}</p>\n`),
    ...otherWarnings(record).map(warning => html`<p class="warning">${warning}</p>\n`),
  ];
}

const kindNames: Readonly<Record<(typeof barKinds)[number], string>> = {
  build: 'building',
  fetch: 'fetching',
  pack: 'packing',
  send: 'sending',
  other: 'other work',
  failed: 'failed',
};

function timeLine(): Html {
  const legend = barKinds.map(kind => html`<li class="kind-${kind}">${kindNames[kind]}</li>`);
  return html`<section aria-labelledby="time-line-title">
<h2 id="time-line-title">Time line</h2>
<div class="tools" id="time-line-tools" hidden>
<label>Layer <select id="time-line-layer"><option value="">all</option></select></label>
<span class="buttons"><button type="button" value="in" aria-label="Zoom in">+</button>
<button type="button" value="out" aria-label="Zoom out">−</button>
<button type="button" value="left" aria-label="Earlier">←</button>
<button type="button" value="right" aria-label="Later">→</button>
<button type="button" value="all">All</button></span>
<output id="time-line-shown"></output>
</div>
<ul class="legend">${raw(...legend)}<li class="critical">on the critical path</li></ul>
<div id="time-line-chart" tabindex="0" role="group" aria-label="Time line. Plus and minus zoom, arrow keys move, 0 shows all of it. The table What took time says the same."></div>
</section>
`;
}

function work(record: BuildRecord): Html {
  return html`<section aria-labelledby="work-title">
<h2 id="work-title">What took time</h2>
<div class="tools" id="work-tools" hidden>
<label>Search <input id="work-search" type="search" autocomplete="off" spellcheck="false"></label>
<output id="work-count"></output>
</div>
<div class="wide" tabindex="0" role="region" aria-labelledby="work-title"><table>
<thead><tr><th scope="col">work</th><th scope="col">layer</th><th scope="col">where</th><th scope="col" class="number">begun at</th><th scope="col" class="number">time</th></tr></thead>
<tbody id="work-rows">${raw(...workRows(record))}</tbody>
</table></div>
<button type="button" id="work-more" hidden>More</button>
${raw(...shorterWork(record))}</section>
`;
}

function shorterWork({ spansLeftOut }: BuildRecord): Html[] {
  if (spansLeftOut === undefined) return [];
  const { count, seconds } = spansLeftOut;
  return [
    html`<p>${count} shorter ones, ${formatSeconds(seconds)} in all, are not on record.</p>\n`,
  ];
}

function history(runs: readonly BuildRecord[]): Html {
  if (runs.length < 2) return html``;
  return html`<section aria-labelledby="history-title">
<h2 id="history-title">The last runs</h2>
<ul class="legend"><li class="kind-build">time</li><li class="kind-send">bytes sent</li></ul>
<div id="history-chart" role="img" aria-label="Time and sent bytes of the last ${runs.length} runs; the table below says the same."></div>
${raw(historyTable(runs))}</section>
`;
}

function next(record: BuildRecord): Html {
  const steps = nextSteps(record);
  if (steps === undefined) return html``;
  const commands =
    steps.commands.length === 0 ? [] : [html`<pre>${steps.commands.join('\n')}</pre>\n`];
  return html`<section aria-labelledby="next-title">
<h2 id="next-title">What next</h2>
${raw(...commands)}${raw(...steps.notes.map(note => html`<p>${note.replaceAll('`', '')}</p>\n`))}</section>
`;
}
