// How long it takes to tell of a run of 5,000 derivations, and how large that becomes; the pages and pictures
// are drawn by Debian's chromium, each at two widths, light and dark, into build/bench/pages.
//
//   npm run build && node bench/pages.ts            measures
//   npm run bench:pages                             draws, too: needs chromium and npm

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ganttMermaid } from '../src/report/gantt.ts';
import { pageHtml } from '../src/report/page.ts';
import { summaryMarkdown } from '../src/report/summary.ts';
import { traceText } from '../src/report/trace.ts';
import { drawPages } from './pages/draw.ts';
import { sampleRuns } from './pages/runs.ts';

const folder = fileURLToPath(new URL('../build/bench/pages/', import.meta.url));
const part = (name: string) =>
  readFileSync(new URL(`../dist/chunks/${name}`, import.meta.url), 'utf8');

mkdirSync(folder, { recursive: true });
const parts = { script: part('page.js'), style: part('page.css') };
const sizes = { small: [8, 60], many: [40, 400], large: [40, 5000] } as const;

for (const [name, [layers, derivations]] of Object.entries(sizes)) {
  const runs = sampleRuns({ layers, derivations }, 20);
  const [record, previous] = runs;
  if (record === undefined) throw new Error('no run');
  const forms = {
    'summary.md': () => summaryMarkdown(record, previous),
    'report.html': () => pageHtml({ record, previous, earlier: runs.slice(1) }, parts),
    'trace.json': () => traceText(record),
    'gantt.mmd': () => ganttMermaid(record) ?? '',
  };
  for (const [form, make] of Object.entries(forms)) {
    const begun = performance.now();
    const text = make();
    const ms = Math.round(performance.now() - begun);
    const kB = Math.round(Buffer.byteLength(text) / 1000);
    console.log(`${name.padEnd(6)} ${form.padEnd(12)} ${String(ms).padStart(5)} ms ${kB} kB`);
    writeFileSync(`${folder}${name}.${form}`, text);
  }
}

if (process.argv.includes('--draw')) await drawPages(folder, Object.keys(sizes));
