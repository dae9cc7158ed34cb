import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Failure } from '../../../src/host/failure.ts';
import { limits } from '../../../src/host/limits.ts';
import { framePool } from '../../../src/image/frames.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { archiveFile, archiveStream } from '../../../src/image/sources/archive-image.ts';
import { nixDialect, tarHeader } from '../../../src/image/tar-header.ts';
import { packed, paxRecord } from '../../fuzz/broken-tar.ts';
import {
  type SmallMember,
  smallArchive,
  smallConfig,
  smallLayer,
  smallManifest,
  tarOf,
} from '../../tools/small-image.ts';
import { collect, filesAt, streamOf, temporaryFolder } from './fixtures.ts';

const packing = { compression: 'none' as const, pool: framePool(1) };
const choice = { platform: linuxOn('amd64'), env: process.env };

/** Opens an archive in both ways, as a file and as a stream; they must agree. */
async function openBoth(t: TestContext, bytes: Buffer) {
  const file = `${temporaryFolder(t)}/image.tar`;
  writeFileSync(file, bytes);
  const files = await filesAt(file);
  const both = await Promise.allSettled([
    archiveFile(files, files.named, packing, choice),
    archiveStream(() => streamOf(bytes), files.named, packing, choice),
  ]);
  const [one, other] = both.map(each =>
    each.status === 'fulfilled' ? each.value : (each.reason as Error),
  );
  if (one instanceof Error || other instanceof Error) {
    assert.ok(one instanceof Failure && other instanceof Failure, String(one));
    assert.equal(one.message, other.message);
    throw one;
  }
  assert.ok(one && other);
  return one;
}

/** An archive whose first member has this pax record. */
const withPax = (key: string, value: string) =>
  Buffer.concat([
    packed({ name: 'pax', flag: 'x', body: Buffer.from(paxRecord(key, value)) }),
    packed({ name: 'evil', flag: '0', size: Buffer.from('00000000000\0') }),
    smallArchive(),
  ]);

for (const size of [
  ...['-1536', '-512', '-1', 'abc', '', '1e308', 'Infinity', 'nan', '10.5', '0x200', ' 1', '+1'],
  ...[String(2 ** 60), '9'.repeat(400)],
]) {
  test(`a size that pax states as "${size.slice(0, 30)}" is refused`, async t => {
    await assert.rejects(
      openBoth(t, withPax('size', size)),
      /the size of a member is no number that can be|an extended header is malformed/,
    );
  });
}

test('numbers that pax states for other things are checked, too', async t => {
  for (const [key, value] of [
    ['uid', '-1'],
    ['gid', 'x'],
    ['mtime', 'tomorrow'],
  ] as const) {
    await assert.rejects(openBoth(t, withPax(key, value)), new RegExp(`the ${key} of a member`));
  }
  for (const [key, value] of [
    ['mtime', '-1.25'],
    ['__proto__', 'x'],
    ['comment', 'x=y'],
    ['uid', '4294967294'],
  ] as const) {
    assert.equal((await openBoth(t, withPax(key, value))).layers.length, 1);
  }
});

test('sizes in base 256 and octal are numbers, or refused', async t => {
  const first = (size: Buffer) =>
    Buffer.concat([packed({ name: 'a', flag: '0', size, body: Buffer.from('x') }), smallArchive()]);
  assert.ok(await openBoth(t, first(Buffer.from('800000000000000000000001', 'hex'))));
  for (const size of [
    'ffffffffffffffffffffffff',
    'fffffffffffffffffffffe00',
    '800000000100000000000000',
  ]) {
    await assert.rejects(
      openBoth(t, first(Buffer.from(size, 'hex'))),
      /size of a member is no number/,
    );
  }
  await assert.rejects(openBoth(t, first(Buffer.from('99999999999\0'))), /size of a member/);
});

test('what links lead to is looked for in the archive alone', async t => {
  const linked = (link: string, name = 'l.tar') =>
    tarOf([
      ['c.json', JSON.stringify(smallConfig())],
      ['sub/real', smallLayer],
      [name, { link }],
      ['manifest.json', JSON.stringify(smallManifest)],
    ]);
  for (const link of ['sub/real', './sub/../sub/real', '/sub/real', '../../sub/real']) {
    assert.equal((await openBoth(t, linked(link))).layers[0]?.name, 'sub/real', link);
  }
  for (const link of ['//[', 'http://[', '../../../etc/shadow', 'file:///etc/shadow', '%2e%2e']) {
    await assert.rejects(openBoth(t, linked(link)), /its layer l\.tar is missing/, link);
  }
  await assert.rejects(openBoth(t, linked('l.tar')), /l\.tar is a link that leads to itself/);
  assert.ok(await openBoth(t, smallArchive({}, [['unused', { link: '//[' }]])));
});

test('names with a meaning to JavaScript are names', async t => {
  const more: SmallMember[] = [
    ['__proto__', 'x'],
    ['constructor', 'x'],
    ['toString', { link: 'valueOf' }],
  ];
  assert.equal((await openBoth(t, smallArchive({}, more))).layers.length, 1);
  const manifest = JSON.stringify([{ Config: 'c.json', Layers: ['__proto__'] }]);
  await assert.rejects(openBoth(t, smallArchive({ manifest })), /layer __proto__ is missing/);
});

test('a config whose name has no ending is found (crane)', async t => {
  const manifest = JSON.stringify([{ Config: 'sha256:1', Layers: ['l.tar'] }]);
  const config = JSON.stringify(smallConfig());
  assert.ok(await openBoth(t, smallArchive({ manifest }, [['sha256:1', config]])));
});

test('what two members claim, and which of two images is meant, is asked', async t => {
  await assert.rejects(
    openBoth(t, smallArchive({}, [['manifest.json', '[]']])),
    /it holds manifest\.json more than once/,
  );
  await assert.rejects(
    openBoth(t, smallArchive({}, [['./l.tar', smallLayer]])),
    /holds l\.tar more/,
  );
  assert.ok(
    await openBoth(
      t,
      smallArchive({}, [
        ['x', '1'],
        ['x', '2'],
      ]),
    ),
    'of no importance',
  );
  const manifest = JSON.stringify([...smallManifest, ...smallManifest]);
  await assert.rejects(openBoth(t, smallArchive({ manifest })), /holds 2 images/);
});

const secret = 'root:$6$secret';

for (const [what, manifest, expected] of [
  ['no JSON', secret, /its description manifest\.json is no JSON/],
  ['broken JSON', `[${secret}`, /manifest\.json in .* it is no JSON/],
  ['null', '[null]', /its field 0 is missing or wrong/],
  ['an object', '{}', /manifest\.json in .* it is no object/],
  ['no image', '[]', /names no image/],
  ['layers of null', '[{"Config":"c.json","Layers":[null]}]', /its field 0\.Layers\.0/],
  ['deep', `${'['.repeat(5000)}${']'.repeat(5000)}`, /more than 100 levels deep/],
  ['many values', `[${'[],'.repeat(limits.jsonValues)}0]`, /more than 1000000 values/],
  [
    'a tag of the runner',
    '[{"Config":"c.json","Layers":[],"RepoTags":["::error::\\u001b[3m"]}]',
    /its tag ::error::\\e\[3m is no name/,
  ],
  ['a layer more', '[{"Config":"c.json","Layers":["l.tar","l.tar"]}]', /2 layers and 1 diffIDs/],
] as const) {
  test(`a manifest.json that is ${what} is refused, and not quoted`, async t => {
    await assert.rejects(openBoth(t, smallArchive({ manifest })), (error: Error) => {
      assert.match(error.message, expected);
      assert.ok(!error.message.includes('secret') && !error.message.includes('\x1b'));
      return true;
    });
  });
}

test('an archive of more layers than engines take is refused by the field that says so', async t => {
  const archive = (count: number) => {
    const layers = new Array(count).fill(smallLayer);
    const manifest = [{ ...smallManifest[0], Layers: layers.map(() => 'l.tar') }];
    const config = JSON.stringify(smallConfig(layers));
    return smallArchive({ manifest: JSON.stringify(manifest), config });
  };
  assert.equal((await openBoth(t, archive(125))).layers.length, 125);
  await assert.rejects(
    openBoth(t, archive(126)),
    /Layers of manifest\.json: the image has 126 layers; container engines take 125\./,
  );
});

test('a config that is wrong is refused', async t => {
  for (const config of [
    'null',
    '{}',
    '{"rootfs":null}',
    '{"rootfs":{"diff_ids":["sha256:../.."]}}',
  ]) {
    await assert.rejects(
      openBoth(t, smallArchive({ config })),
      /(config of c\.json in|c\.json in|its config c\.json).*/,
    );
  }
});

/** A stream of members without an end; counts what was taken of it. */
function endless(member: (at: number) => Buffer) {
  let taken = 0;
  async function* chunks() {
    for (let at = 0; ; at += 1) {
      const bytes = member(at);
      taken += bytes.length;
      yield bytes;
    }
  }
  return { open: () => chunks(), taken: () => taken };
}

const header = (path: string, size: number) =>
  tarHeader({ type: 'file', path, mode: 0o644, size }, nixDialect);

test('descriptions are held up to a limit, whatever an archive has of them', async () => {
  const document = Buffer.alloc(4 << 20, ' ');
  document.write('{');
  const { open, taken } = endless(at =>
    Buffer.concat([header(`${at}.json`, document.length), document]),
  );
  await assert.rejects(
    archiveStream(open, 'bomb', packing, choice),
    /descriptions up to \d+\.json are too large/,
  );
  assert.ok(taken() <= limits.documentsOfArchive + 3 * document.length, String(taken()));
});

test('members are counted, and their names have a limit', async () => {
  const many = endless(at => header(`${at}${'n'.repeat(1000)}`, 0));
  await assert.rejects(
    archiveStream(many.open, 'bomb', packing, choice),
    /has more than 5000 members/,
  );
  assert.ok(many.taken() < 20 << 20, String(many.taken()));
  const long = endless(at => header(`${at}${'n'.repeat(900_000)}`, 0));
  await assert.rejects(
    archiveStream(long.open, 'bomb', packing, choice),
    /a name in it has more than 4096/,
  );
  const extended = endless(() =>
    packed({ name: 'p', flag: 'x', body: Buffer.from(paxRecord('path', 'x')) }),
  );
  await assert.rejects(
    archiveStream(extended.open, 'bomb', packing, choice),
    /too many extended headers/,
  );
});

test('what an extended header says is kept without the header', async () => {
  const filler = 'f'.repeat(900_000);
  const member = (at: number) => [
    packed({
      name: 'p',
      flag: 'x',
      body: Buffer.from(
        paxRecord('comment', filler) + paxRecord('path', `name-${at}-${'n'.repeat(30)}`),
      ),
    }),
    packed({ name: 'x', flag: '0', body: Buffer.alloc(0) }),
  ];
  async function* chunks() {
    for (let at = 0; at < 400; at += 1) yield* member(at);
    yield smallArchive();
  }
  const before = process.memoryUsage().heapUsed;
  const image = await archiveStream(chunks, 'archive', packing, choice);
  assert.equal(image.layers.length, 1);
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 100 << 20, `${grown >> 20} MB`);
});

test('an archive that is cut anywhere is an error or whole', async t => {
  const whole = smallArchive();
  for (let length = 0; length < whole.length - 1024; length += 256) {
    await assert.rejects(openBoth(t, whole.subarray(0, length)), /ends too early/, String(length));
  }
});

test('a layer of an archive is read in both ways', async t => {
  const image = await openBoth(t, smallArchive());
  const [layer] = image.layers;
  assert.ok(layer);
  assert.ok((await collect(layer.source.open())).equals(smallLayer));
});
