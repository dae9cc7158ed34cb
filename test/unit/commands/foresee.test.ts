import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ImageContext } from '../../../src/commands/build/context.ts';
import { foresee } from '../../../src/commands/build/forecast/forecast.ts';
import { startForetelling } from '../../../src/commands/build/forecast/foretell.ts';
import type { LayerBlob } from '../../../src/commands/transfers.ts';
import { type ListedNeeds, parseDryRun } from '../../../src/nix/disk-needs.ts';
import type { BuildRecord, LayerRecord } from '../../../src/record/types.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { quietHost } from '../../tools/host.ts';
import { layerNamed, recipeOf } from '../../tools/planned-layers.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const blob = (digit: string, size: number) =>
  ({ digest: digest(digit), size, uncompressedSize: 10 * size }) as LayerBlob;
const layers = ['old', 'moved', 'new'].map(layerNamed);

/** What was last time: a layer that is as it was, one that is made anew, and the links. */
const previous = sampleRecord({
  layers: [
    ['old', blob('1', 100)],
    ['new', blob('3', 300)],
    ['root', blob('4', 4)],
  ].map(([name, made]) =>
    sampleLayer({ name: name as string, blobs: [made] as LayerRecord['blobs'] }),
  ),
});

const plan = {
  needed: layers.slice(2),
  reused: new Set(['old', 'moved']),
  blobs: new Map([
    ['old', [blob('1', 100)]],
    ['moved', [blob('2', 200)]],
  ]),
  root: { blob: undefined, hidden: [], treeOf: () => undefined },
};

/** The context of a run; of a tag there are the layers with these digits. */
function contextOf(there: string | undefined, more: object = {}, record?: BuildRecord) {
  const host = quietHost();
  const tagged = there === undefined ? [] : [{ layers: [...there].map(each => blob(each, 0)) }];
  const context = {
    evaluation: { recipe: recipeOf(layers) },
    state: { host, ...(record ? { previous: record } : {}) },
    knowledge: arrangeKnowledge([], ''),
    here: new Map(),
    nix: {},
    tagged,
    settings: { unknownBuildTime: 0, push: true, limits: [], forbidBuilds: [], ...more },
  } as unknown as ImageContext;
  return { context, host };
}

const fetched = parseDryRun(
  `this path will be fetched (1.00 MiB download, 3.00 MiB unpacked):\n  ${layers[2]?.outPath}\n`,
);
const estimated = (bytes: number) => ({ bytes, estimated: true, atLeast: false });

describe('what a run will do, in numbers', () => {
  test('is sent by the sizes of last time, and pulled where the tag has not got it', async () => {
    const { forecast } = await foresee(contextOf('14', {}, previous).context, plan, fetched);
    const { send, pull, ...others } = forecast;
    assert.deepEqual([send, pull], [estimated(304), estimated(504)]);
    assert.deepEqual(others, {
      ...{ layers: 3, layersToMake: 1, builds: 0, fetchBytes: 2 ** 20 },
      ...{ diskBytes: 3 * 2 ** 20, seconds: 0, unknownTimes: 0 },
    });
  });
  test('is pulled by who has the last image, where no tag was looked at', async () => {
    const { forecast } = await foresee(contextOf(undefined, {}, previous).context, plan, fetched);
    assert.deepEqual(forecast.pull, estimated(504));
  });
  test('is at least what is known where there was nothing before, and nobody pulls it', async () => {
    const { forecast } = await foresee(contextOf(undefined).context, plan, fetched);
    assert.deepEqual(forecast.send, { bytes: 0, estimated: false, atLeast: true });
    assert.equal('pull' in forecast, false);
  });
  test('is not known where Nix cannot say', async () => {
    const { forecast, layers: told } = await foresee(contextOf('1').context, plan, undefined);
    assert.deepEqual(
      [forecast.builds, forecast.seconds, forecast.fetchBytes],
      [undefined, undefined, undefined],
    );
    assert.equal(told.at(-1)?.state, 'open');
  });
});

describe('a run says what it will do', () => {
  const hear = async (more: object, needs: ListedNeeds = fetched, needed = plan.needed) => {
    const { context, host } = contextOf('14', more, previous);
    const foreteller = startForetelling(context, { ...plan, needed });
    const heard = foreteller.hear(needs);
    await foreteller.ended();
    const notices = host.events.flatMap(event => (event.type === 'notice' ? [event.message] : []));
    return { heard, notices, foreteller, state: context.state };
  };
  const sentence = '1 of 3 layers to make: 1.05 MB to fetch, about 304 B to send.';

  test('once, and keeps it for the record', async () => {
    const { heard, notices, foreteller, state } = await hear({});
    await heard;
    await foreteller.hear(fetched);
    assert.deepEqual(notices, [sentence]);
    assert.equal(state.predicted?.send.bytes, 304);
  });
  test('without what it would push, where it pushes nothing', async () => {
    const { notices, state } = await hear({ push: false });
    assert.deepEqual(notices, ['1 of 3 layers to make: 1.05 MB to fetch.']);
    assert.equal(state.predicted && 'pull' in state.predicted, false);
  });
  test('not where nothing is needed', async () => {
    assert.deepEqual((await hear({}, fetched, [])).notices, []);
  });
  test('and ends before it begins where a limit would be broken', async () => {
    const limit = { text: 'sent < 304B', quantity: 'sent', bound: 304, inclusive: false };
    const { heard, state } = await hear({ limits: [limit], limitsMode: 'fail' });
    await assert.rejects(heard, /sent < 304B would be broken/);
    assert.deepEqual(
      state.limits?.map(({ found, kept }) => [found, kept]),
      [[304, false]],
    );
    await (await hear({ limits: [limit], limitsMode: 'warn' })).heard;
  });
  test('and ends where Nix cannot say what it builds, and something is forbidden', async () => {
    const { context } = contextOf('14', { forbidBuilds: ['torch'] }, previous);
    const { hear: tell } = startForetelling(context, plan);
    await assert.rejects(tell(undefined), /could not say what it would build/);
  });
});
