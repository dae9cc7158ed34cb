import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readIndexPage } from '../../../src/wheels/index-page.ts';

const page = 'https://index.example/whl/cu130/torch/';
const digest = 'ab'.repeat(32);

test('HTML as PyTorch writes it', async () => {
  const files = await readIndexPage(
    `<!DOCTYPE html><html><body>
      <h1>Links for torch</h1>
      <a href="/whl/cu130/torch-2.10.0%2Bcu130-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=${digest}"
         data-dist-info-metadata="sha256=${digest}" data-requires-python="&gt;=3.10">torch</a><br/>
      <a href='https://other.example/torch-2.9.0.tar.gz' data-yanked="broken">x</a>
      <a href="../">up</a> <a href="file:///etc/passwd">no</a> <a>empty</a>
    </body></html>`,
    'text/html; charset=utf-8',
    page,
  );
  const url =
    'https://index.example/whl/cu130/torch-2.10.0%2Bcu130-cp312-cp312-manylinux_2_28_x86_64.whl';
  assert.deepEqual(files.slice(0, 2), [
    {
      filename: 'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl',
      url,
      sha256: digest,
      yanked: false,
      requiresPython: '>=3.10',
      metadata: { url: `${url}.metadata`, sha256: digest },
    },
    {
      filename: 'torch-2.9.0.tar.gz',
      url: 'https://other.example/torch-2.9.0.tar.gz',
      sha256: undefined,
      yanked: true,
      requiresPython: undefined,
      metadata: undefined,
    },
  ]);
  assert.ok(files.every(({ url }) => url.startsWith('https:')));
});

test('HTML with a base, and with digests of another kind', async () => {
  const [file] = await readIndexPage(
    '<base href="https://files.example/a/"><a href="x-1-py3-none-any.whl#md5=00">x</a>',
    'text/html',
    page,
  );
  assert.equal(file?.url, 'https://files.example/a/x-1-py3-none-any.whl');
  assert.equal(file?.sha256, undefined);
});

test('JSON with what PEP 691, 700, 592 and 714 tell', async () => {
  const files = await readIndexPage(
    JSON.stringify({
      files: [
        {
          filename: 'x-1+cu130-py3-none-any.whl',
          url: '../../x-1%2Bcu130-py3-none-any.whl',
          hashes: { sha256: digest.toUpperCase() },
          size: 12,
          'requires-python': '>=3.10',
          'core-metadata': true,
          yanked: 'reason',
        },
        { filename: 'x-2-py3-none-any.whl', url: 'x-2-py3-none-any.whl', hashes: {}, size: -0.5 },
        { filename: 3 },
        null,
      ],
    }),
    'application/vnd.pypi.simple.v1+json',
    page,
  );
  assert.deepEqual(files, [
    {
      filename: 'x-1+cu130-py3-none-any.whl',
      url: 'https://index.example/whl/x-1%2Bcu130-py3-none-any.whl',
      sha256: digest,
      size: 12,
      yanked: true,
      requiresPython: '>=3.10',
      metadata: {
        url: 'https://index.example/whl/x-1%2Bcu130-py3-none-any.whl.metadata',
        sha256: undefined,
      },
    },
    {
      filename: 'x-2-py3-none-any.whl',
      url: 'https://index.example/whl/cu130/torch/x-2-py3-none-any.whl',
      sha256: undefined,
      size: undefined,
      yanked: false,
      requiresPython: undefined,
      metadata: undefined,
    },
  ]);
});

test('what is no page of an index', async () => {
  const cases: [string, string, RegExp][] = [
    ['<html><title> Sign in </title><a href="/login">here</a>', 'text/html', /titled "Sign in"/],
    ['', 'text/html', /it lists no file/],
    ['{', 'application/json', /it is no JSON/],
    ['{"error":"x"}', 'application/json', /it has no list of files/],
  ];
  for (const [text, type, expected] of cases) {
    await assert.rejects(readIndexPage(text, type, page), expected);
  }
});

test('an empty page that says what it is', async () => {
  const text = '<meta name="pypi:repository-version" content="1.0"><h1>Links for x</h1>';
  assert.deepEqual(await readIndexPage(text, 'text/html', page), []);
});

test('numbers that are no sizes are none, and addresses of other kinds are left out', async () => {
  const file = (url: string, size: unknown) => ({ filename: 'x-1-py3-none-any.whl', url, size });
  const files = [
    file('x.whl', -1),
    file('x.whl', 0.5),
    file('x.whl', 2 ** 60),
    null,
    file('file:///etc/passwd', 1),
    file('https://[', 1),
  ];
  const read = await readIndexPage(JSON.stringify({ files }), 'application/json', page);
  assert.deepEqual(
    read.map(({ size }) => size),
    [undefined, undefined, undefined],
  );
});

test('a page that would take hours is refused', async () => {
  const cases: [string, RegExp][] = [
    ['<i>'.repeat(10_000), /too many levels of elements/],
    [`<a ${'b c '.repeat(1_000)}>`, /too many attributes of an element/],
    ['<title'.repeat(100_000), /it lists no file/],
  ];
  for (const [text, expected] of cases) {
    await assert.rejects(readIndexPage(text, 'text/html', page), expected);
  }
});
