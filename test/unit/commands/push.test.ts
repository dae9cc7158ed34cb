import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FinishedImage, type Push, push, type SentImage } from '../../../src/commands/push.ts';
import { Failure } from '../../../src/host/failure.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { quietHost } from '../../tools/host.ts';

const manifest = { bytes: Buffer.from('{}'), mediaType: mediaTypes.manifest, digest: 'sha256:1' };
const target = { outPath: '/s/a', variant: 'v' };

/** A push whose steps are written down. */
function watched(more: Partial<Push> = {}) {
  const steps: string[] = [];
  const written: (FinishedImage | undefined)[] = [];
  const store: Partial<ImageStore> = {
    repository: 'r',
    getManifest: async () => manifest,
    putTag: async tag => {
      steps.push(`tag ${tag}`);
    },
  };
  const where: Push = {
    store: store as ImageStore,
    tags: ['a', 'b'],
    host: quietHost(),
    beforeTags: async () => steps.push('before tags'),
    remember: async finished => {
      written.push(finished);
      await finished?.put;
    },
    notRemembered: () => steps.push('not remembered'),
    ...more,
  };
  const sent: SentImage = {
    manifest,
    target,
    put: async () => {
      await new Promise(setImmediate);
      steps.push('put');
    },
  };
  return { steps, written, where, sent };
}

describe('an image is pushed', () => {
  test('by its manifest, then its tags; the memory is told of it once, before they move', async () => {
    const { steps, written, where, sent } = watched();
    assert.equal(await push(where, async () => sent), manifest);
    assert.deepEqual(steps, ['before tags', 'put', 'tag a', 'tag b']);
    assert.equal(written.length, 1);
    assert.deepEqual([written[0]?.manifest, written[0]?.target], [manifest, target]);
  });

  test('by the tags alone that do not name it yet, where one does', async () => {
    const { steps, where } = watched();
    await push(where, async () => ({ manifest, current: ['a'] }));
    assert.deepEqual(steps, ['before tags', 'tag b']);
  });

  test('and a memory that cannot be written costs a warning', async () => {
    const { steps, where, sent } = watched({ remember: async () => assert.fail('no room') });
    await push(where, async () => sent);
    assert.deepEqual(steps.sort(), ['before tags', 'not remembered', 'put', 'tag a', 'tag b']);
  });
});

describe('what was done before a failure is remembered', () => {
  const fault = new Failure('as told');

  test('of sending', async () => {
    const { steps, written, where } = watched();
    await assert.rejects(
      push(where, async () => {
        throw fault;
      }),
      fault,
    );
    assert.deepEqual([steps, written], [[], [undefined]]);
  });

  test('of the manifest, and no image with it', async () => {
    const { steps, written, where, sent } = watched();
    const put = () => Promise.reject(fault);
    await assert.rejects(
      push(where, async () => ({ ...sent, put })),
      fault,
    );
    assert.deepEqual(steps, ['before tags']);
    assert.deepEqual(
      written.map(finished => finished?.manifest),
      [manifest, undefined],
    );
  });

  test('of what comes before tags', async () => {
    const { steps, written, where, sent } = watched({ beforeTags: () => Promise.reject(fault) });
    await assert.rejects(
      push(where, async () => sent),
      fault,
    );
    assert.deepEqual([steps, written], [[], [undefined]]);
  });
});
