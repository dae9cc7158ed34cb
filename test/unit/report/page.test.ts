import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Parser } from 'htmlparser2';
import { escaped } from '../../../src/host/visible.ts';
import type { BuildRecord } from '../../../src/record/types.ts';
import { escapeHtml, html, jsonForScript, raw } from '../../../src/report/html.ts';
import { pageHtml } from '../../../src/report/page.ts';
import { type PageData, pageData } from '../../../src/report/page-data.ts';
import { sampleRecord } from '../record/sample.ts';

const parts = { script: 'draw();', style: 'body { margin: 0 }' };
const page = (record: BuildRecord, earlier: readonly BuildRecord[] = []) =>
  pageHtml({ record, previous: earlier[0], earlier }, parts);

interface Element {
  name: string;
  attributes: Record<string, string>;
  text: string;
}

/** The elements of a document in order, with the text that is directly in each. */
function elementsOf(document: string): Element[] {
  const all: Element[] = [];
  const open: Element[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      const element = { name, attributes, text: '' };
      all.push(element);
      open.push(element);
    },
    ontext(text) {
      const element = open.at(-1);
      if (element) element.text += text;
    },
    onclosetag: () => open.pop(),
  });
  parser.end(document);
  return all;
}

const hostile =
  '</script><script>alert(1)</script><img src=x onerror="alert(2)"> \u2028 <!-- \u001b[2J';

/** The sample with text of others wherever there may be some. */
function hostileRecord(): BuildRecord {
  const record = sampleRecord({
    ...{ flake: hostile, warnings: [hostile], failure: hostile, outcome: 'failure' },
    ...{ notPushed: hostile, program: hostile, node: hostile },
    inputs: [{ name: hostile, url: hostile, revision: hostile }],
    spans: [
      { kind: 'build', layer: hostile, detail: hostile, machine: hostile, start: 0, seconds: 1 },
    ],
    nix: { version: hostile, system: hostile },
  });
  const [layer] = record.layers;
  assert.ok(layer);
  Object.assign(layer, { name: hostile, seconds: 1 });
  layer.packages = [{ name: hostile, version: hostile }];
  record.caches?.leftOut.push({ cache: hostile, reason: hostile });
  return record;
}

test('no text of a record becomes markup or script', () => {
  const before = { ...hostileRecord(), layers: [] };
  const elements = elementsOf(page(hostileRecord(), [before]));
  const scripts = elements.filter(({ name }) => name === 'script');
  assert.deepEqual(
    scripts.map(({ attributes }) => attributes),
    [{ type: 'application/json', id: 'data' }, {}],
  );
  assert.equal(scripts[1]?.text, parts.script);
  assert.equal(elements.filter(({ name }) => name === 'img').length, 0);
  assert.ok(
    elements.every(({ attributes }) => !Object.keys(attributes).some(key => /^on/.test(key))),
  );
  const data = JSON.parse(scripts[0]?.text ?? '') as PageData;
  assert.match(data.bars.name[0] ?? '', /<\/script><script>alert/);
});

test('only its own program and style sheet may be run, by their hashes, and nothing may be loaded', () => {
  const [policy] = elementsOf(page(sampleRecord())).filter(
    ({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy',
  );
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  assert.equal(
    policy?.attributes.content,
    `default-src 'none'; script-src ${hash(parts.script)}; style-src ${hash(parts.style)}; ` +
      "base-uri 'none'; form-action 'none'",
  );
  const addresses = elementsOf(page(sampleRecord())).flatMap(({ attributes }) =>
    ['src', 'href', 'style', 'action'].filter(name => name in attributes),
  );
  assert.deepEqual(addresses, []);
});

test('ids are there once, labels name what is there, and each table has heads', () => {
  const elements = elementsOf(page(sampleRecord(), [sampleRecord(), sampleRecord()]));
  const ids = elements.flatMap(({ attributes: { id } }) => (id === undefined ? [] : [id]));
  assert.equal(new Set(ids).size, ids.length);
  const named = elements.flatMap(({ attributes }) => attributes['aria-labelledby'] ?? []);
  assert.deepEqual(
    named.filter(id => !ids.includes(id)),
    [],
  );
  const tables = elements.filter(({ name }) => name === 'table').length;
  const heads = elements.filter(({ name }) => name === 'thead').length;
  assert.equal(tables, heads);
  assert.ok(
    elements.filter(({ name }) => name === 'th').every(({ attributes }) => attributes.scope),
  );
});

test('the page says without its program what happened, what changed, and what came before', () => {
  const before = sampleRecord({ startedAt: '2026-11-20T09:30:00.000Z', seconds: 200 });
  const text = page(sampleRecord(), [before]);
  for (const said of [
    '<h1>.#comfyui in 1 min 15 s</h1>',
    '<td class="number">▼ 2 min 05 s</td>',
    '▲▼ against the run of 2026-11-20 09:30 UTC',
    '<th scope="row">building torch-2.9.0</th>',
    '<th scope="row">2026-11-20 09:30 UTC</th><td>success</td>',
    'docker run --gpus all',
  ]) {
    assert.ok(text.includes(said), said);
  }
  assert.ok(!page(sampleRecord()).includes('The last runs'));
});

test('what is drawn: a row for each layer that was worked on, its lanes, and the runs from the oldest on', () => {
  const earlier = sampleRecord({ seconds: 9 });
  const { rows, bars, history } = pageData(sampleRecord(), [earlier]);
  assert.deepEqual(rows, [
    { name: 'the run', seconds: 75.25, lanes: 1, isCritical: false },
    { name: 'layer3-pytorch', seconds: 74, lanes: 1, isCritical: true },
  ]);
  assert.deepEqual(bars, {
    name: ['evaluating', 'building torch-2.9.0', 'sending sha256:444444444444…'],
    ...{ row: [0, 1, 1], lane: [0, 0, 0], kind: [4, 0, 3] },
    ...{ start: [0, 0.5, 62.5], seconds: [0.4, 61.5, 12], place: ['', '', ''] },
  });
  assert.deepEqual(
    history.map(({ seconds }) => seconds),
    [9, 75.25],
  );
});

test('work of a layer that the image has not is drawn as well; what has no commands shows none', () => {
  const record = sampleRecord({ spans: [{ kind: 'wait', layer: 'gone', start: 0, seconds: 1 }] });
  assert.deepEqual(
    pageData(record, []).rows.map(({ name }) => name),
    ['the run', 'gone'],
  );
  assert.ok(record.image);
  record.image.repository = '-';
  assert.doesNotMatch(page(record), /<pre><\/pre>/);
});

test('markup escapes what is put into it, and JSON ends no element', () => {
  assert.equal(
    html`<b title="${'"<&>\'`'}">${raw(html`<i>${1}</i>`)}</b>`,
    '<b title="&#34;&#60;&#38;&#62;&#39;&#96;"><i>1</i></b>',
  );
  assert.equal(escapeHtml('\u202e\u0007'), '\\u202e\\u0007');
  const json = jsonForScript({ a: hostile });
  assert.doesNotMatch(json, /[<>&\u2028]/);
  assert.deepEqual(JSON.parse(json), { a: escaped(hostile) });
  assert.equal(
    jsonForScript('\u202e'),
    String.raw`"\\u202e"`,
    'its direction turns no text around',
  );
});
