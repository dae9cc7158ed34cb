import type { Comparison } from '../record/compare.ts';
import type { BuildRecord, LayerRecord } from '../record/types.ts';
import { type Html, html, raw } from './html.ts';
import { layerCells, totalCells } from './layer-cells.ts';
import { layerOrigin, layerSums } from './layers.ts';
import { packageChanges } from './package-changes.ts';
import { cacheRows, diskLine } from './places.ts';
import { spanName } from './spans.ts';
import { formatBytes, formatMoment, formatSeconds, plural } from './units.ts';

/** The layers with their bytes, against last time where that is known. */
export function layersTable(
  record: BuildRecord,
  previous: BuildRecord | undefined,
  comparison: Comparison | undefined,
): Html {
  const largest = Math.max(1, ...[record, previous].flatMap(run => run?.layers.map(sizeOf) ?? []));
  const before = new Map(previous?.layers.map(layer => [layer.name, sizeOf(layer)]));
  const changes = new Map(comparison?.layers.map(change => [change.name, change]));
  const rows = record.layers.map(layer => {
    const numbers = layerCells(layer, changes.get(layer.name));
    return html`<tr><th scope="row">${layer.name}</th><td>${layerOrigin(layer)}</td>${raw(
      ...numbers.map(number),
    )}<td class="bars">${raw(sizeBars(sizeOf(layer), before.get(layer.name), largest))}</td></tr>
`;
  });
  return html`<section aria-labelledby="layers-title">
<h2 id="layers-title">Layers</h2>
<p>${comparedSentence(previous, comparison)}</p>
<div class="wide" tabindex="0" role="region" aria-labelledby="layers-title"><table>
<thead><tr><th scope="col">layer</th><th scope="col">origin</th><th scope="col" class="number">time</th><th scope="col" class="number">change</th><th scope="col" class="number">size</th><th scope="col" class="number">change</th><th scope="col" class="number">sent</th><th scope="col"><span class="unseen">size as a bar</span></th></tr></thead>
<tbody>
${raw(...rows)}</tbody>
<tfoot><tr><th scope="row">total</th><td></td>${raw(
    ...totalCells(record, comparison).map(number),
  )}<td></td></tr></tfoot>
</table></div>
</section>
`;
}

function comparedSentence(
  previous: BuildRecord | undefined,
  comparison: Comparison | undefined,
): string {
  if (previous === undefined) return 'There is no run to compare with.';
  const { pullBytes } = comparison ?? {};
  const pull =
    pullBytes === undefined ? '' : ` A host that has that image pulls ${formatBytes(pullBytes)}.`;
  return `▲▼ against the run of ${formatMoment(previous.startedAt)}; the paler bar is its size.${pull}`;
}

const sizeOf = (layer: LayerRecord): number => layerSums(layer).size;

const number = (text: string): Html => html`<td class="number">${text}</td>`;

/** Two bars, before and now. A style sheet's policy allows no widths in attributes; a picture's are no style. */
function sizeBars(now: number, before: number | undefined, largest: number): Html {
  const width = (size: number) => Math.round((size / largest) * 1000) / 10;
  return html`<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="now" y="0" height="6" width="${width(now)}"/><rect class="before" y="7" height="3" width="${width(before ?? 0)}"/></svg>`;
}

/** Rows that the page has without its program. */
const mostRows = 50;

/** What took longest. */
export function workRows({ spans }: BuildRecord): Html[] {
  return spans
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, mostRows)
    .map(
      span =>
        html`<tr><th scope="row">${spanName(span)}</th><td>${span.layer ?? ''}</td><td>${span.machine ?? span.cache ?? ''}</td>${raw(
          number(formatSeconds(span.start)),
          number(formatSeconds(span.seconds)),
        )}</tr>
`,
    );
}

/** Packages that a page lists; images have some thousands at most. */
const mostPackages = 4000;

/** What changed, and all packages, by layer. */
export function packagesSection(record: BuildRecord, comparison: Comparison | undefined): Html {
  const changed = comparison === undefined ? [] : packageChanges(comparison);
  const all = record.layers
    .flatMap(({ name, packages = [] }) => packages.map(each => ({ ...each, layer: name })))
    .slice(0, mostPackages);
  if (changed.length + all.length === 0) return html``;
  const changes = changed
    .slice(0, mostPackages)
    .map(
      ({ name, layer, change }) =>
        html`<tr><th scope="row">${name}</th><td>${change}</td><td>${layer}</td></tr>\n`,
    );
  const listed = all.map(
    ({ name, version, layer }) =>
      html`<tr><th scope="row">${name}</th><td>${version}</td><td>${layer}</td></tr>\n`,
  );
  return html`<section aria-labelledby="packages-title">
<h2 id="packages-title">Packages</h2>
${raw(changedPackages(changes, comparison !== undefined))}<details><summary>${plural(all.length, 'package')} in all</summary>
${raw(tableOf(['package', 'version', 'layer'], listed))}</details>
</section>
`;
}

/** Changes that stand open; more are folded. */
const mostOpen = 20;

function changedPackages(changes: readonly Html[], isCompared: boolean): Html {
  if (changes.length === 0)
    return isCompared ? html`<p>None has changed since last time.</p>\n` : html``;
  const table = tableOf(['package', 'change since last time', 'layer'], changes);
  if (changes.length <= mostOpen) return table;
  return html`<details><summary>${changes.length} changed since last time</summary>
${raw(table)}</details>
`;
}

function tableOf(heads: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="wide"><table>
<thead><tr>${raw(...heads.map(head => html`<th scope="col">${head}</th>`))}</tr></thead>
<tbody>
${raw(...rows)}</tbody>
</table></div>
`;
}

/** The last runs, newest first. */
export function historyTable(runs: readonly BuildRecord[]): Html {
  const rows = runs.map(
    ({ startedAt, outcome, seconds, sentBytes, layers }) =>
      html`<tr><th scope="row">${formatMoment(startedAt)}</th><td>${outcome}</td>${raw(
        number(formatSeconds(seconds)),
        number(formatBytes(sentBytes)),
        number(`${layers.filter(({ origin }) => origin === 'reused').length} of ${layers.length}`),
      )}</tr>\n`,
  );
  const heads = ['begun at', 'outcome', 'time', 'sent', 'layers reused'];
  return html`<details><summary>As a table</summary>
${raw(tableOf(heads, rows))}</details>
`;
}

const usageText = ({ memory, cpuSeconds }: NonNullable<BuildRecord['usage']>): string =>
  `${formatBytes(memory)} of memory, ${formatSeconds(cpuSeconds)} of CPU`;

/** Caches, disk, inputs and versions. */
export function factsTable(record: BuildRecord): Html {
  const { nix, program, node, inputs = [], usage } = record;
  const disk = diskLine(record);
  const facts: [string, string][] = [
    ['made by', `${program}, Nix ${nix.version} (${nix.system}), Node ${node}`],
    ['begun at', record.startedAt],
    ...(usage === undefined ? [] : [['this program', usageText(usage)] as [string, string]]),
    ...cacheRows(record).map(([cache, use, result]): [string, string] => [
      cache,
      `${use}: ${result}`,
    ]),
    ...(disk === undefined ? [] : [['disk', disk] as [string, string]]),
    ...inputs.map(({ name, url, revision = '' }): [string, string] => [
      `input ${name}`,
      `${url} ${revision}`.trim(),
    ]),
  ];
  const rows = facts.map(
    ([name, text]) => html`<tr><th scope="row">${name}</th><td>${text}</td></tr>\n`,
  );
  return html`<section aria-labelledby="facts-title">
<h2 id="facts-title">Caches, inputs, versions</h2>
${raw(tableOf(['of what', 'what is known'], rows))}</section>
`;
}
