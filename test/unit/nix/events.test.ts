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

for (const version of ['2.8', '2.34']) {
  test(`the log of Nix ${version} says how many are built and fetched`, async () => {
    const { events } = await replay(`realise-${version}.txt`);
    const counts = events.flatMap(({ at: _, ...event }) =>
      event.type === 'counts' ? [event] : [],
    );
    assert.deepEqual(counts[4], {
      type: 'counts',
      built: { done: 0, expected: 5 },
      fetched: { done: 0, expected: 0 },
    });
    // what depends on a build that failed is expected no more
    assert.deepEqual(counts.at(-1), {
      type: 'counts',
      built: { done: 2, expected: version === '2.8' ? 2 : 3 },
      fetched: { done: 1, expected: 1 },
    });
    assert.ok(
      counts.every((count, at) => JSON.stringify(count) !== JSON.stringify(counts[at - 1])),
    );
  });
}

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

/** Reads these events, one a line; line n arrives at n. */
function readAll(reader: ReturnType<typeof createEventReader>, lines: readonly object[]) {
  return lines.flatMap((line, at) => reader.read(`@nix ${JSON.stringify(line)}`, at));
}

const build = (id: number, drvPath: string, machine = '') => ({
  ...{ action: 'start', id, level: 3, text: '', type: 105 },
  fields: [drvPath, machine, 1, 1],
});
const builds = (id: number) => ({ action: 'start', id, level: 0, text: '', type: 104 });
const stop = (id: number) => ({ action: 'stop', id });
const progress = (id: number, ...fields: unknown[]) => ({
  action: 'result',
  id,
  type: 105,
  fields,
});
const error = (msg: string) => ({ action: 'msg', level: 0, msg });

test('stops and results of activities that are no builds tell nothing', () => {
  const reader = createEventReader();
  const events = readAll(reader, [
    { action: 'start', id: 1, type: 0, text: 'evaluating', fields: [] },
    { action: 'result', id: 1, type: 101, fields: ['a line'] },
    { action: 'result', id: 1, type: 104, fields: ['a phase'] },
    { action: 'result', id: 1, type: 999, fields: [] },
    { action: 'unheard-of', id: 1 },
    stop(1),
    stop(7),
  ]);
  assert.deepEqual(events, []);
  assert.equal(reader.completed(), 0);
});

test('what may have ended is counted: stops of builds and substitutions, and what Nix counts', () => {
  const reader = createEventReader();
  const counts: number[] = [];
  for (const line of [
    builds(9),
    { action: 'start', id: 8, type: 103 },
    build(1, multi),
    { action: 'start', id: 2, type: 108, fields: [cached, 'http://one'] },
    progress(9, 1, 5, 0, 0),
    progress(9, 1, 5, 0, 2),
    progress(8, 3, 5, 0, 0),
    stop(1),
    stop(1),
    stop(2),
    stop(3),
  ]) {
    readAll(reader, [line]);
    counts.push(reader.completed());
  }
  assert.deepEqual(counts, [0, 0, 0, 0, 1, 3, 6, 7, 7, 8, 8]);
});

test('which caches paths are being taken from', () => {
  const reader = createEventReader();
  const substitute = (id: number, ...fields: unknown[]) => ({
    action: 'start',
    id,
    type: 108,
    fields,
  });
  const started = readAll(reader, [substitute(1, cached, 'http://one'), substitute(2, follows)]);
  assert.deepEqual(started, [
    { type: 'substitute-start', path: cached, cache: 'http://one', at: 0 },
    { type: 'substitute-start', path: follows, cache: '', at: 1 },
  ]);
  assert.deepEqual(reader.substituting(), ['http://one', '']);
  readAll(reader, [stop(1)]);
  assert.deepEqual(reader.substituting(), ['']);
});

test('a build that fails is known by the count of failures before its stop, each of them once', () => {
  const reader = createEventReader();
  const events = readAll(reader, [
    builds(9),
    build(1, bad),
    build(2, multi),
    build(3, follows),
    progress(9, 0, 3, 2, 1),
    stop(1),
    stop(2),
    progress(9, 1, 3, 1, 2),
    error(`error: builder for '${follows}' failed with exit code 1`),
    stop(3),
  ]);
  const ends = events.flatMap(event => (event.type === 'build-end' ? [event] : []));
  assert.deepEqual(ends, [
    { type: 'build-end', drvPath: bad, failed: true, at: 5 },
    { type: 'build-end', drvPath: multi, failed: false, at: 6 },
    { type: 'build-end', drvPath: follows, failed: true, at: 8 },
  ]);
  assert.deepEqual(
    reader.failed().map(({ drvPath, message }) => [drvPath, message]),
    [
      [bad, ''],
      [follows, `error: builder for '${follows}' failed with exit code 1`],
    ],
  );
});

test('an error that comes after the stop names the build that failed, and is its message', () => {
  const reader = createEventReader();
  readAll(reader, [
    builds(9),
    build(1, bad),
    { action: 'result', id: 1, type: 101, fields: ['why'] },
    progress(9, 0, 1, 0, 1),
    stop(1),
    error(`error: builder for '${bad}' failed`),
    error(`error: something else of '${bad}'`),
    build(2, multi),
    stop(2),
  ]);
  assert.deepEqual(reader.failed(), [
    { drvPath: bad, message: `error: builder for '${bad}' failed`, log: ['why'] },
  ]);
});

test('errors that name a build whose failure Nix did not count are not taken for the next one', () => {
  const reader = createEventReader();
  const events = readAll(reader, [
    builds(9),
    error(`error: hash mismatch in '${bad}'`),
    build(2, multi),
    progress(9, 0, 2, 0, 1),
    stop(2),
  ]);
  assert.deepEqual(events.at(-1), { type: 'build-end', drvPath: multi, failed: false, at: 4 });
});

test('the last two hundred errors are kept, and what other programs write', () => {
  const reader = createEventReader();
  for (let at = 0; at < 199; at += 1) readAll(reader, [error(`error ${at}`)]);
  readAll(reader, [{ action: 'msg', level: 1, msg: 'a warning' }]);
  const [plain] = reader.read('fatal: not a git repository', 7);
  assert.deepEqual(plain, {
    type: 'message',
    level: 2,
    text: 'fatal: not a git repository',
    at: 7,
  });
  assert.equal(reader.errors().length, 200);
  assert.deepEqual([reader.errors()[0], reader.errors()[199]], ['error 0', plain.text]);
  readAll(reader, [error('error: the last')]);
  assert.equal(reader.errors().length, 200);
  assert.deepEqual([reader.errors()[0], reader.errors()[199]], ['error 1', 'error: the last']);
});

test('a build that Nix ended is named with its outputs, after its stop', () => {
  const reader = createEventReader();
  const text = `error: building of '${bad}!*' from .drv file timed out after 2 seconds`;
  readAll(reader, [builds(9), build(1, bad), progress(9, 0, 1, 0, 1), stop(1), error(text)]);
  assert.deepEqual(reader.failed(), [{ drvPath: bad, message: text, log: [] }]);
});

test('the same of two builds, each before its stop, as 2.26 names them', () => {
  const reader = createEventReader();
  const of = (drvPath: string) =>
    `error: building of '${drvPath}^out' from .drv file timed out after 2 seconds of silence`;
  readAll(reader, [
    ...[builds(9), build(1, bad), build(2, multi)],
    ...[error(of(bad)), stop(1), progress(9, 0, 2, 1, 1)],
    ...[error(of(multi)), stop(2), progress(9, 0, 2, 0, 2)],
  ]);
  assert.deepEqual(
    reader.failed(),
    [bad, multi].map(drvPath => ({ drvPath, message: of(drvPath), log: [] })),
  );
});

test('a trace that names a derivation is no failure of it', () => {
  const reader = createEventReader();
  readAll(reader, [build(1, multi), error(`trace: error: builder for '${multi}' failed`)]);
  assert.deepEqual([reader.failed(), reader.errors()], [[], []]);
});

test('a warning that names a derivation is no failure of it', () => {
  const reader = createEventReader();
  const events = readAll(reader, [
    build(1, multi),
    { action: 'msg', level: 1, msg: `warning: '${multi}' takes long` },
  ]);
  assert.deepEqual(reader.running(), [multi]);
  assert.equal(events.at(-1)?.type, 'message');
  assert.deepEqual(reader.failed(), []);
});

test('as much of a log as helps is kept, of long lines the beginning', () => {
  const reader = createEventReader();
  const log = (line: string) => ({ action: 'result', id: 1, type: 101, fields: [line] });
  const lines = Array.from({ length: limits.logLines }, (_, at) => log(String(at)));
  readAll(reader, [build(1, bad), ...lines]);
  const [event] = readAll(reader, [log('x'.repeat(3000))]);
  assert.equal(event?.type === 'build-log' && event.line.length, 3000, 'it is told whole');
  readAll(reader, [error(`error: builder for '${bad}' failed`)]);
  const [failure] = reader.failed();
  assert.equal(failure?.log.length, limits.logLines);
  assert.deepEqual([failure?.log[0], failure?.log.at(-1)], ['1', 'x'.repeat(2000)]);
});

test('downloads add up over all files, against what Nix foresees', () => {
  const reader = createEventReader();
  const file = (id: number) => ({ action: 'start', id, type: 101, fields: ['http://x'] });
  const foreseen = (id: number, type: number, bytes: unknown) => ({
    ...{ action: 'result', id, type: 106 },
    fields: [type, bytes],
  });
  const events = readAll(reader, [
    file(1),
    file(2),
    foreseen(9, 101, 1000),
    foreseen(8, 101, 200),
    foreseen(7, 105, 5000),
    progress(1, 10, 100, 0, 0),
    progress(1, 10, 100, 0, 0),
    progress(2, 50, 2000, 0, 0),
    progress(1, 120, 100, 0, 0),
    foreseen(9, 101, 0),
    progress(2, 2000, 2000, 0, 0),
  ]);
  assert.deepEqual(
    events.map(event => (event.type === 'download' ? [event.at, event.done, event.expected] : [])),
    [
      [5, 10, 1200],
      [7, 60, 2100],
      [8, 170, 2120],
      [10, 2120, 2120],
    ],
  );
});

test('the size of a path is that of the first progress with something in it', () => {
  const reader = createEventReader();
  const events = readAll(reader, [
    { action: 'start', id: 1, type: 108, fields: [cached, 'http://one'] },
    { action: 'start', id: 2, type: 100, fields: [cached, 'http://one', 'local'] },
    { action: 'start', id: 3, type: 100, fields: [follows, 'http://one', 'local'] },
    progress(2, 0, 300, 0, 0),
    progress(2, 8, 400, 0, 0),
    progress(2, 16, 500, 0, 0),
    progress(3, 16, 700, 0, 0),
    stop(1),
  ]);
  assert.deepEqual(events.at(-1), { type: 'substitute-end', path: cached, narSize: 400, at: 7 });
});
