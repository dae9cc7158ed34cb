import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/host/limits.ts';
import {
  type CommentRow,
  commentMarkdown,
  hold,
  mergeRows,
  rowsIn,
} from '../../../src/report/comment.ts';
import { describeForComment } from '../../../src/report/comment-row.ts';
import { sampleLayer, sampleRecord } from '../record/sample.ts';

function row(image: string, changes: Partial<CommentRow> = {}): CommentRow {
  return {
    ...{ key: image, image, version: [1, 1, 0], sentence: 'All layers reused.', size: '2.00 GB' },
    ...{ packages: [], allPackages: 0, layers: [], allLayers: 0 },
    ...changes,
  };
}

/** What people see of it. */
const shown = (body: string) => body.replaceAll(/<!--.*?-->\n?/gs, '').trim();

test('people read a table, with what it is compared with', () => {
  const rows = [
    row('.#cu130', {
      ...{ run: 'https://github.com/o/n/actions/runs/1', commit: 'b'.repeat(40), against: 'main' },
      ...{ size: '9.80 GB ▲ 12.0 MB, 50.0 MB to pull', packages: ['torch 2.8.0 → 2.9.0'] },
      ...{ allPackages: 3, layers: ['layer6-app'], allLayers: 1, version: [2, 1, 0] },
    }),
    row('.#cu126', { commit: 'a'.repeat(40), against: 'main' }),
  ];
  assert.equal(
    shown(commentMarkdown(rows)),
    [
      '### Images of this pull request',
      '',
      '| image | what happened | size | packages | layers |',
      '|:--|:--|:--|:--|:--|',
      '| `.#cu126` | All layers reused. (at `aaaaaaa`) | 2.00 GB | – | – |',
      '| [`.#cu130`](<https://github.com/o/n/actions/runs/1>) | All layers reused. | ' +
        '9.80 GB ▲ 12.0 MB, 50.0 MB to pull | torch 2.8.0 → 2.9.0<br>2 more | `layer6-app` |',
      '',
      'Compared with the last run of `main`.',
    ].join('\n'),
  );
});

test('rows come back from a comment as they were, also where a browser has changed its line ends', () => {
  const rows = [row('ä|`-->', { sentence: '--> <!-- rows x --> "\n' }), row('b')];
  const body = commentMarkdown(rows);
  assert.deepEqual(rowsIn(body), mergeRows(rows));
  assert.deepEqual(rowsIn(body.replaceAll('\n', '\r\n')), mergeRows(rows));
});

test('texts of others stay texts, in their cell, and call nobody', () => {
  const bad = '</td>|x\n# @team #1 GH-1 https://x.example www.x.example [a](b) <img> `c`';
  const body = shown(
    commentMarkdown([
      row('a', {
        ...{ image: bad, sentence: bad, size: bad, packages: [bad], allPackages: 1 },
        ...{
          layers: [bad],
          allLayers: 1,
          run: 'https://x.example/>|(x)',
          commit: bad,
          against: bad,
        },
      }),
      row('b', { version: [2, 1, 0] }),
    ]),
  );
  const lines = body.split('\n');
  assert.equal(lines.length, 8);
  assert.ok(!body.includes('](<'), 'no link to an address that could end it');
  const texts = body.replaceAll(/`[^`]*`/g, '');
  assert.doesNotMatch(texts, /@team|#1|GH-1|https:\/\/|www\.|(?<!\\)<(?!br>)|(?<!\\)\[/);
  const columns = (line: string) => line.replaceAll('\\|', '').split('|').length;
  assert.deepEqual(lines.slice(2, 6).map(columns), [7, 7, 7, 7]);
});

test('what is no comment of this program, or is broken, has no rows', () => {
  assert.equal(rowsIn('looks good'), undefined);
  assert.equal(rowsIn(`> ${commentMarkdown([row('a')])}`), undefined);
  const body = commentMarkdown([row('a')]);
  for (const rows of ['', '%%', Buffer.from('{"rows":1}').toString('base64')]) {
    assert.deepEqual(rowsIn(body.replace(/rows \S+ -->/, `rows ${rows} -->`)), []);
  }
  const mixed = { rows: [row('a'), { ...row('b'), version: ['x'] }, null] };
  const packed = Buffer.from(JSON.stringify(mixed)).toString('base64');
  assert.deepEqual(rowsIn(body.replace(/rows \S+/, `rows ${packed}`)), [row('a')]);
});

test('of each image the newest row counts, by run, attempt and time', () => {
  const versions: [number, number, number][] = [
    ...([
      [1, 1, 1],
      [1, 1, 2],
      [1, 2, 0],
      [2, 1, 0],
    ] as [number, number, number][]),
  ];
  const rows = versions.map((version, at) => row('a', { version, sentence: String(at) }));
  for (const order of [rows, rows.toReversed()]) {
    assert.equal(mergeRows(order)[0]?.sentence, '3');
  }
  assert.deepEqual(
    rows.map(each => hold([rows[2] as CommentRow], [each])),
    [true, true, true, false],
  );
});

test('a comment that would be too long leaves the oldest rows out, and says so', () => {
  const long = 'x'.repeat(limits.commentText);
  const list = { packages: Array(limits.commentList).fill(long), allPackages: 8 };
  const rows = Array.from({ length: 40 }, (_, at) =>
    row(`image${String(at).padStart(2, '0')}`, { ...list, version: [at, 1, 0] }),
  );
  const body = commentMarkdown(rows);
  assert.ok(body.length <= limits.comment);
  const kept = rowsIn(body) ?? [];
  assert.ok(kept.length > 1 && kept.at(-1)?.image === 'image39' && kept[0]?.image !== 'image00');
  assert.match(body, new RegExp(`${40 - kept.length} more are left out\\.$`));
});

describe('a run is told', () => {
  const before = sampleRecord({ branch: 'main' });
  const without = (record: typeof before) => {
    const { image: _, ...rest } = record;
    return rest;
  };

  test('with what happened, and against the run before', () => {
    const layers = before.layers.map(layer =>
      layer.name === 'layer3-pytorch'
        ? {
            ...layer,
            packages: [{ name: 'torch', version: '2.9.0' }],
            blobs: layer.blobs.map(blob => ({ ...blob, digest: `sha256:${'5'.repeat(64)}` })),
          }
        : layer,
    );
    const old = before.layers.map(layer =>
      layer.name === 'layer3-pytorch'
        ? { ...layer, packages: [{ name: 'torch', version: '2.8.0' }] }
        : layer,
    );
    const { told, isChanged } = describeForComment(
      sampleRecord({ layers }),
      sampleRecord({ layers: old, branch: 'main' }),
    );
    assert.equal(isChanged, true);
    assert.match(told.sentence, /^1 of 2 layers reused, layer3-pytorch built in 1 min 14 s/);
    assert.deepEqual(told.packages, ['torch 2.8.0 → 2.9.0']);
    assert.deepEqual(told.layers, ['layer3-pytorch']);
    assert.equal(told.size, '2.00 GB as before, 2.00 GB to pull');
    assert.equal(told.against, 'main');
  });

  test('as unchanged where the image has the same blobs and packages', () => {
    const { told, isChanged } = describeForComment(sampleRecord(), before);
    assert.deepEqual([isChanged, told.layers, told.packages], [false, [], []]);
  });

  test('without a run before: what it has made itself is what has changed', () => {
    const { told, isChanged } = describeForComment(sampleRecord(), undefined);
    assert.deepEqual([isChanged, told.layers], [true, ['layer3-pytorch']]);
    const layers = [sampleLayer({ name: 'a' })];
    assert.equal(describeForComment(sampleRecord({ layers }), undefined).isChanged, false);
  });

  test('that pushes nothing: by what it would send', () => {
    const wouldPush = {
      layers: [{ name: 'layer3-pytorch', narSize: 5e6 }],
      narSize: 5e6,
      tags: ['x'],
    };
    const { told, isChanged } = describeForComment({ ...without(before), wouldPush }, before);
    assert.deepEqual([isChanged, told.layers, told.size], [true, ['layer3-pytorch'], '']);
    assert.match(told.sentence, /A push would send 1 layer/);
    const none = { layers: [], tags: [] };
    const same = describeForComment({ ...without(before), wouldPush: none }, before);
    assert.equal(same.isChanged, false);
  });

  test('that pushes nothing of what is there by now: by the targets of its layers', () => {
    const wouldPush = { layers: [], tags: ['x'] };
    const layers = before.layers.map(layer =>
      layer.name === 'layer0-base' ? { ...layer, outPath: '/nix/store/other' } : layer,
    );
    const added = sampleLayer({ name: 'root', target: null, outPath: null });
    const old = { ...before, layers: [...before.layers, sampleLayer({ name: 'gone' }), added] };
    const { told, isChanged } = describeForComment({ ...without(before), layers, wouldPush }, old);
    assert.deepEqual([isChanged, told.layers], [true, ['layer0-base', 'gone']]);
  });

  test('that failed: it changes nothing', () => {
    const failed = { ...without(before), outcome: 'failure' as const, failure: 'no' };
    const { told, isChanged } = describeForComment(failed, before);
    assert.equal(isChanged, false);
    assert.match(told.sentence, /^Failed after 1 min 15 s\. /);
    const cancelled = describeForComment({ ...failed, outcome: 'cancelled' }, before);
    assert.match(cancelled.told.sentence, /^Cancelled after 1 min 15 s\. /);
  });

  test('in texts that a row can hold', () => {
    const name = 'x'.repeat(1000);
    const layers = Array.from({ length: 50 }, (_, at) =>
      sampleLayer({ name: `${at}${name}`, origin: 'built' }),
    );
    const { told } = describeForComment(sampleRecord({ layers }), undefined);
    assert.equal(told.allLayers, 50);
    const whole = { ...told, key: 'a', image: 'a', version: [1, 1, 1] as [number, number, number] };
    assert.deepEqual(rowsIn(commentMarkdown([whole])), [whole]);
  });
});
