import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { tellNixTime } from '../../../src/commands/build/nix-events/nix-time.ts';
import { progressEvent } from '../../../src/commands/build/nix-events/progress-event.ts';
import { createEventReader } from '../../../src/nix/events.ts';
import { recordEvents } from '../../../src/record/recorder.ts';
import { quietHost } from '../../tools/host.ts';
import { unnamedSeconds } from '../../tools/unnamed-seconds.ts';

/** Records a log of `nix-store --realise`; line n arrives after n seconds. What follows is of the layer "app". */
async function record(version: string) {
  const url = new URL(`../nix/fixtures/realise-${version}.txt`, import.meta.url);
  const lines = (await readFile(url, 'utf8')).trimEnd().split('\n');
  let now = 0;
  const recorder = recordEvents(0);
  const host = quietHost({ clock: () => now, emit: recorder.take });
  const reader = createEventReader();
  const time = tellNixTime(host);
  const layerOf = (path: string) => (path.includes('-follows') ? 'app' : 'base');
  for (const line of lines) {
    for (const event of reader.read(line, now)) {
      time.take(event);
      const told = progressEvent(event, layerOf);
      if (told) recorder.take(told);
    }
    now += 1000;
  }
  time.end();
  return { ...recorder.result(now), lines: lines.length };
}

/** What the recordings show: the lines of beginning and end; 2.8 tells the failure before the end. */
const expected = {
  '2.8': { multi: [132, 201], cached: [145, 165], bad: [174, 184], follows: [190, 202] },
  '2.34': { cached: [142, 160], multi: [161, 178], bad: [179, 189], follows: [191, 206] },
};

for (const [version, work] of Object.entries(expected)) {
  test(`the log of Nix ${version} becomes a span for each build and substitution`, async () => {
    const { spans } = await record(version);
    const named = spans.filter(({ kind }) => kind === 'build' || kind === 'substitute');
    assert.deepEqual(
      named.map(({ kind, layer, detail, ended, start, seconds }) => {
        const name = detail?.replace(/^\/nix\/store\/\w{32}-|\.drv$/g, '');
        return { name, kind, layer, ended, lines: [start, start + seconds] };
      }),
      Object.entries(work).map(([name, lines]) => ({
        ...{ name, kind: name === 'cached' ? 'substitute' : 'build' },
        ...{ layer: name === 'follows' ? 'app' : 'base' },
        ...{ ended: name === 'bad' ? 'failed' : undefined, lines },
      })),
    );
    const cached = named.find(({ kind }) => kind === 'substitute');
    assert.deepEqual(
      [cached?.cache, (cached?.bytes ?? 0) > 300_000],
      ['http://127.0.0.1:8080', true],
    );
  });

  test(`of the log of Nix ${version} no time is without a name`, async () => {
    const { spans, lines } = await record(version);
    assert.equal(unnamedSeconds({ seconds: lines, spans }), 0);
    assert.ok(spans.some(({ kind, start }) => kind === 'nix' && start === 0));
  });

  test(`the log of Nix ${version} tells which layer has failed`, async () => {
    const { layers, downloadBytes } = await record(version);
    assert.deepEqual(
      ['base', 'app'].map(name => layers.get(name)?.failed),
      [true, false],
    );
    const built = layers.get('base')?.builtDerivations.map(({ ended }) => ended);
    assert.deepEqual(built?.toSorted(), ['failed', undefined]);
    assert.ok(downloadBytes > 300_000);
  });
}
