import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { limits } from '../../../src/host/limits.ts';
import { createEventReader } from '../../../src/nix/events.ts';
import type { NixEvent } from '../../../src/nix/types.ts';

const bad = '/nix/store/8ac8rqp26rj89vw2hgim178ycd9k6612-bad.drv';
const needy = '/nix/store/i60bqvm14ihg982d4dvjh4vimb4abbj2-needy.drv';
const multi = '/nix/store/0hfibwf64iarcs6fji25j4m2hrhjsg4f-multi.drv';
const follows = '/nix/store/7sxc9ycy938pfbxy4bj14rj5h553hv5m-follows.drv';
const cached = '/nix/store/96q6s2n8fi3g0dvq63kcna0p4jgcm9k1-cached';

/** Reads a recorded log; line n arrives at n. */
async function replay(name: string) {
  const log = await readFile(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
  const reader = createEventReader();
  const lines = log.trimEnd().split('\n');
  const completed: number[] = [];
  const events = lines.flatMap((line, at) => {
    const found = reader.read(line, at);
    completed.push(reader.completed());
    return found;
  });
  return { reader, events, lines, completed };
}

const ofDerivation = (events: readonly NixEvent[], drvPath: string) =>
  events.flatMap(event => ('drvPath' in event && event.drvPath === drvPath ? [event] : []));

test('files are being fetched from the beginning of that to its end', () => {
  const reader = createEventReader();
  const url = 'http://cache.example/nix-cache-info';
  const seen = [
    `@nix {"action":"start","fields":["${url}"],"id":7,"level":4,"text":"x","type":101}`,
    '@nix {"action":"result","fields":[0,0,0,0],"id":7,"type":105}',
    '@nix {"action":"start","fields":[],"id":8,"level":4,"text":"x","type":101}',
    '@nix {"action":"stop","id":7}',
  ].map(line => {
    reader.read(line, 0);
    return reader.fetching();
  });
  assert.deepEqual(seen, [[url], [url], [url], []]);
});

for (const version of ['2.8', '2.34']) {
  test(`the log of Nix ${version} gives each build its beginning, log and end`, async () => {
    const { events, reader } = await replay(`realise-${version}.txt`);
    const withoutTimes = (drvPath: string) =>
      ofDerivation(events, drvPath).map(({ at: _at, drvPath: _path, ...rest }) => rest);
    assert.deepEqual(withoutTimes(bad), [
      { type: 'build-start', machine: '' },
      { type: 'build-log', line: 'it goes wrong' },
      { type: 'build-end', failed: true },
    ]);
    assert.deepEqual(withoutTimes(follows), [
      { type: 'build-start', machine: '' },
      { type: 'build-log', line: `using ${cached}` },
      { type: 'build-end', failed: false },
    ]);
    assert.deepEqual(withoutTimes(multi), [
      { type: 'build-start', machine: '' },
      { type: 'build-end', failed: false },
    ]);
    assert.deepEqual(withoutTimes(needy), []);
    assert.deepEqual(reader.running(), []);
  });

  test(`the log of Nix ${version} tells failures, their causes and logs`, async () => {
    const { reader } = await replay(`realise-${version}.txt`);
    const failed = new Map(reader.failed().map(({ drvPath, ...rest }) => [drvPath, rest]));
    assert.deepEqual([...failed.keys()], [bad, needy]);
    assert.deepEqual(failed.get(bad)?.log, ['it goes wrong']);
    assert.match(failed.get(bad)?.message ?? '', /^error: .*failed with exit code 3/s);
    assert.match(failed.get(needy)?.message ?? '', /1 dependenc(y|ies)/);
    assert.equal(reader.errors().length, 2);
  });

  test(`the log of Nix ${version} tells substitutions and the bytes of downloads`, async () => {
    const { events } = await replay(`realise-${version}.txt`);
    const substitutions = events.flatMap(event =>
      event.type.startsWith('substitute-') ? [{ ...event, at: 0 }] : [],
    );
    assert.deepEqual(substitutions, [
      { type: 'substitute-start', path: cached, cache: 'http://127.0.0.1:8080', at: 0 },
      { type: 'substitute-end', path: cached, narSize: 300_112, at: 0 },
    ]);
    const downloads = events.flatMap(event => (event.type === 'download' ? [event] : []));
    const last = downloads.at(-1);
    // the NAR of 300,000 bytes, and the small files that describe it
    assert.ok(last && last.done > 300_000 && last.done < 310_000, JSON.stringify(last));
    assert.ok(downloads.every(({ done, expected }) => done <= expected));
    assert.deepEqual(
      downloads.map(({ done }) => done),
      downloads.map(({ done }) => done).sort((a, b) => a - b),
    );
  });
}

test('a substitution of which nothing came has no size', () => {
  const reader = createEventReader();
  const lines = [
    { action: 'start', id: 1, type: 108, fields: [cached, 'http://one'] },
    { action: 'start', id: 2, type: 100, fields: [cached, 'http://one', 'local'] },
    { action: 'result', id: 2, type: 105, fields: [0, 300, 0, 0] },
    { action: 'stop', id: 2 },
    { action: 'stop', id: 1 },
  ];
  const events = lines.flatMap(line => reader.read(`@nix ${JSON.stringify(line)}`, 0));
  assert.deepEqual(events.at(-1), { type: 'substitute-end', path: cached, at: 0 });
});

test('where 2.8 holds the end of a build back, it shows that something has ended', async () => {
  const { events, completed, lines } = await replay('realise-2.8.txt');
  const [start, end] = ofDerivation(events, multi);
  assert.ok(start && end);
  const done = completed.findIndex(
    (count, at) => at > start.at && count > (completed[start.at] ?? 0),
  );
  assert.ok(done < end.at, `the end was told in line ${end.at} of ${lines.length}`);
});

test('outputs that are valid end a build, and a later stop does not end it again', () => {
  const reader = createEventReader();
  const begin = `@nix {"action":"start","fields":["${multi}","",1,1],"id":1,"level":3,"text":"","type":105}`;
  reader.read(begin, 1);
  assert.deepEqual(reader.running(), [multi]);
  assert.deepEqual(reader.succeeded(multi, 2), [
    { type: 'build-end', drvPath: multi, failed: false, at: 2 },
  ]);
  assert.deepEqual(reader.read('@nix {"action":"stop","id":1}', 3), []);
  assert.deepEqual(reader.failed(), []);
});

test('a derivation with two activities, as on a remote builder, is one build', () => {
  const reader = createEventReader();
  const begin = (id: number, machine: string) =>
    `@nix {"action":"start","fields":["${multi}","${machine}",1,1],"id":${id},"level":3,"text":"","type":105}`;
  const lines = [
    begin(1, 'ssh-ng://builder'),
    begin(2, ''),
    '@nix {"action":"result","fields":["hello"],"id":2,"type":101}',
    '@nix {"action":"stop","id":2}',
    '@nix {"action":"stop","id":1}',
  ];
  const events = lines.flatMap((line, at) => reader.read(line, at));
  assert.deepEqual(events, [
    { type: 'build-start', drvPath: multi, machine: 'ssh-ng://builder', at: 0 },
    { type: 'build-log', drvPath: multi, line: 'hello', at: 2 },
    { type: 'build-end', drvPath: multi, failed: false, at: 4 },
  ]);
});

test('only the end of a log is kept', () => {
  const reader = createEventReader();
  reader.read(
    `@nix {"action":"start","fields":["${bad}","",1,1],"id":1,"level":3,"text":"","type":105}`,
    0,
  );
  for (let line = 0; line < 1000; line++) {
    reader.read(`@nix {"action":"result","fields":["${line}"],"id":1,"type":101}`, line);
  }
  reader.read(`@nix {"action":"msg","level":0,"msg":"error: builder for '${bad}' failed"}`, 1000);
  const [failure] = reader.failed();
  assert.equal(failure?.log.length, limits.logLines);
  assert.equal(failure?.log.at(-1), '999');
});

test('a failed dependency does not make the next build that stops a failure', () => {
  const reader = createEventReader();
  const lines = [
    '@nix {"action":"start","id":9,"level":0,"text":"","type":104}',
    `@nix {"action":"msg","level":0,"msg":"error: 1 dependencies of derivation '${needy}' failed to build"}`,
    `@nix {"action":"start","fields":["${bad}","",1,1],"id":1,"level":3,"text":"","type":105}`,
    '@nix {"action":"result","fields":[0,2,0,1],"id":9,"type":105}',
    '@nix {"action":"stop","id":1}',
    `@nix {"action":"start","fields":["${multi}","",1,1],"id":2,"level":3,"text":"","type":105}`,
    '@nix {"action":"stop","id":2}',
  ];
  const events = lines.flatMap((line, at) => reader.read(line, at));
  assert.deepEqual(
    events.flatMap(event => (event.type === 'build-end' ? [[event.drvPath, event.failed]] : [])),
    [
      [bad, true],
      [multi, false],
    ],
  );
});

test('numbers that are none, and paths that are none, change nothing', () => {
  const reader = createEventReader();
  const lines = [
    '@nix {"action":"start","fields":["https://x"],"id":1,"type":101}',
    '@nix {"action":"result","fields":[1e999,-5,"x"],"id":1,"type":105}',
    '@nix {"action":"result","fields":[5,10],"id":1,"type":105}',
    '@nix {"action":"start","fields":["/etc/shadow","",1,1],"id":2,"type":105}',
    '@nix {"action":"start","fields":["/nix/store/x\\n::add-mask::.drv"],"id":3,"type":105}',
    '@nix {"action":"start","fields":["--option","x"],"id":4,"type":108}',
  ];
  const events = lines.flatMap(line => reader.read(line, 1));
  assert.deepEqual(events, [{ type: 'download', done: 5, expected: 10, at: 1 }]);
  assert.deepEqual(reader.running(), []);
});
