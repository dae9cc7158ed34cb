import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditMarkdown } from '../../../src/report/audit-markdown.ts';
import { cells, code, escapeText } from '../../../src/report/markdown.ts';
import { setupReport } from '../../../src/report/setup.ts';
import { failureMarkdown, summaryMarkdown } from '../../../src/report/summary.ts';
import { sampleRecord } from '../record/sample.ts';

/** What a flake, a cache or a log may try to break a document with. */
const hostile = [
  'a\nb',
  '\n\n# Heading',
  '</details><script>alert(1)</script>',
  '<!-- ',
  '`code` ```',
  '````\nout of the fence',
  '~~~',
  '![x](http://host/x.png)',
  '[x](javascript:x)',
  '| a | b |',
  '\\|',
  '\\\\|',
  'a\\',
  '**bold** _it_ ~~x~~',
  '$x$ $$y$$',
  '&lt;b&gt;',
  '- list',
  '1. list',
  '2) list',
  '=====',
  '-----',
  '> quote',
  '    indented',
  'a\r\nb\rc',
  '\u001b[2J\u202e\u2028',
];

/** The cells of a row as GFM splits it: at pipes without a backslash that is none of a pair. */
const cellsOf = (row: string): string[] =>
  [...row.matchAll(/(?:\\[!-/:-@[-`{-~]|[^|])+/g)].map(([cell]) => cell.trim());

test('a row keeps its cells, whatever is in them', () => {
  for (const text of hostile) {
    const row = cells(code(text), escapeText(text), 'end');
    assert.ok(!/[\r\n]/.test(row), row);
    const found = cellsOf(row.slice(1, -1));
    assert.equal(found.length, 3, row);
    assert.equal(found[2], 'end', row);
  }
});

test('code is one span, and an empty text none', () => {
  for (const text of hostile) assert.match(code(text), /^`[^`\r\n]+`$/, text);
  assert.equal(code(''), '');
  assert.equal(code('a\\|b'), '`a\\|b`');
});

test('text opens nothing, neither in a line nor at its start', () => {
  for (const text of hostile) {
    const plain = escapeText(text).replaceAll(/\\[!-/:-@[-`{-~]/g, 'x');
    // parentheses and exclamation marks mean nothing without brackets
    assert.doesNotMatch(plain, /[`*_{}[\]<>#|~&$]/, text);
    assert.doesNotMatch(plain, /^(\s|[-=+>]|\d+[.)]\s)/, text);
  }
  assert.equal(escapeText('numpy 2.3.5 (a-b)'), 'numpy 2.3.5 (a-b)');
});

test('summaries hold whatever names, licences, logs and answers of caches say', () => {
  for (const text of hostile) {
    const record = sampleRecord();
    const [layer] = record.layers;
    assert.ok(layer);
    Object.assign(layer, { name: text, seconds: 1 });
    record.spans = [{ kind: 'build', layer: text, detail: text, start: 0, seconds: 1 }];
    record.run = text;
    record.warnings = [text];
    const unfree = { name: text, version: text, licence: text, layer: text };
    const audit = { layers: [], packages: [], findings: [], unfree: [unfree], unchecked: [text] };
    const leftOut = [{ cache: text, reason: text }];
    const names = [text];
    const numbers = { maxJobs: text, cores: text, daemon: undefined };
    const inEffect = { ...numbers, substituters: names, trustedKeys: names, tokensFor: names };
    const documents = [
      summaryMarkdown(record, { ...record, layers: [] }),
      failureMarkdown(text),
      auditMarkdown(audit as never).join('\n\n'),
      setupReport({ version: text, bin: text, leftOut, refusal: text, inEffect, stays: true })
        .markdown,
    ];
    for (const document of documents) {
      const outside = document
        .replace(/^(`{3,})(?:text|sh|mermaid)\n[\s\S]*?\n\1$/gm, '')
        .replace(/`[^`\n]*`/g, '');
      assert.doesNotMatch(outside, /(?<!\\)<(?!details>|summary>|\/)/, document);
      assert.doesNotMatch(
        outside,
        /(?<!\\)<script|^# Heading|^- list|^1\. list|(?<!\\)(!\[|`)/m,
        document,
      );
    }
  }
});
