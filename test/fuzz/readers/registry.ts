import fc from 'fast-check';
import type { Answer, Exchange } from '../../../src/host/http/message.ts';
import { checkedDigest, digestOf } from '../../../src/image/digest.ts';
import { blobKey } from '../../../src/image/keys.ts';
import { linuxOn } from '../../../src/image/oci/choose.ts';
import { diffIdsIn, findManifest, readManifest } from '../../../src/image/oci/documents.ts';
import { mediaTypes } from '../../../src/image/types.ts';
import { chooseChallenge } from '../../../src/registry/challenge.ts';
import { parseHelperAnswer, parseLoginFile } from '../../../src/registry/login-file.ts';
import { listImages } from '../../../src/registry/memory/images.ts';
import { knownBlobs, mergeMemories } from '../../../src/registry/memory/merge.ts';
import { parseMemory } from '../../../src/registry/memory/parse.ts';
import { serializeMemory } from '../../../src/registry/memory/serialize.ts';
import { formatReference, parseReference } from '../../../src/registry/reference.ts';
import { refusal } from '../../../src/registry/refusal.ts';
import { arrangeKnowledge } from '../../../src/registry/reuse.ts';
import { heldBytes } from '../../../src/registry/session.ts';
import type { ImageStore } from '../../../src/registry/store.ts';
import { requestToken } from '../../../src/registry/token.ts';
import { rememberedOutput } from '../../tools/remembered.ts';
import { mutatedJson } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const layer = { mediaType: mediaTypes.layer.zstd, digest: digest('1'), size: 100 };
const manifest = {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config: { mediaType: mediaTypes.config, digest: digest('2'), size: 50 },
  layers: [layer, { ...layer, annotations: { a: 'b' } }],
};
const index = {
  schemaVersion: 2,
  manifests: [
    { ...layer, mediaType: mediaTypes.manifest, platform: { architecture: 'amd64', os: 'linux' } },
    { ...layer, platform: { architecture: 'arm64', os: 'linux', variant: 'v8' } },
  ],
};
const config = { os: 'linux', rootfs: { type: 'layers', diff_ids: [digest('3'), digest('4')] } };

const storeDir = '/nix/store';
const paths = ['glibc', 'python', 'app'].map(name => `${storeDir}/${'0'.repeat(32)}-${name}`);
const blobs = paths.map((path, at) => ({
  key: blobKey([path]),
  digest: digest(String(at)),
  diffId: digest(String(at)),
  size: 10,
  uncompressedSize: 20,
  mediaType: mediaTypes.layer.zstd,
  paths: [path],
  run: 'https://ci.example/1',
}));
const memory = serializeMemory({
  images: ['a', 'b'].map(digit => ({
    digest: digest(digit),
    config: { digest: digest('c'), size: 7 },
    ...{ commit: 'c1', tree: 't1', settings: { labels: { a: 'b' } }, locked: true },
    target: { outPath: paths[2] ?? '', variant: '[]' },
    outputs: paths.map((outPath, at) =>
      rememberedOutput(outPath, paths.slice(0, at), blobs.slice(at, at + 1)),
    ),
    blobs,
    roots: [{ outPath: paths[1] ?? '', tree: { bin: { python: 0 }, lib: 1, etc: [{ a: 0 }] } }],
  })),
}).toString();

const url = new URL('https://r.example/v2/o/x/manifests/t');
const answer = (body: string, status = 200): Answer => ({
  status,
  headers: {},
  url,
  body: Buffer.from(body),
});

/** A store whose every reference leads to the same document, itself an index perhaps. */
const storeOf = (bytes: Buffer) =>
  ({
    repository: 'r.example/o/x',
    getManifest: async () => ({ bytes, mediaType: '', digest: digestOf(bytes) }),
  }) as unknown as ImageStore;

const parameter = fc.tuple(
  fc.constantFrom('realm', 'service', 'scope', '__proto__', 'constructor', ''),
  fc.oneof(
    fc.constantFrom('https://auth.example/token', 'file:///etc/passwd', '', 'http://[', '"\\'),
    fc.webUrl({ withQueryParameters: true }),
    fc.string(),
  ),
);
const challenge = fc
  .array(
    fc.tuple(
      fc.constantFrom('Bearer', 'Basic', 'Negotiate', 'bearer', ','),
      fc.array(parameter, { maxLength: 4 }),
    ),
    { maxLength: 3 },
  )
  .map(challenges =>
    challenges
      .map(([scheme, parts]) =>
        `${scheme} ${parts.map(([name, value]) => `${name}="${value}"`).join(',')}`.trim(),
      )
      .join(', '),
  );

/** Never a password to where it can be read, and no token that is none. */
async function tokenOf(challengeText: string, body: string): Promise<string | undefined> {
  const chosen = chooseChallenge(challengeText);
  if (chosen === undefined) return undefined;
  const exchange: Exchange = async request => {
    const at = request.url;
    if (at.protocol !== 'https:' && !/^(?:localhost|127\.|\[::1\])/.test(at.host)) {
      throw new TypeError(`a password went to ${at.href}`);
    }
    if (at.username !== '') throw new TypeError(`a login of others went to ${at.href}`);
    return answer(body);
  };
  const login = { kind: 'password', username: 'u', password: 'p' } as const;
  const asked = { registry: 'r.example', challenge: chosen, scopes: ['s'], login, now: 0 };
  const { value, renewAt } = await requestToken(asked, exchange);
  if (!(renewAt > 0 && renewAt <= 86_400_000)) throw new TypeError(`it is renewed at ${renewAt}`);
  new Headers({ authorization: `Bearer ${value}` });
  return value;
}

const goodLogins = {
  auths: {
    'ghcr.io': { auth: Buffer.from('a:b').toString('base64') },
    'https://index.docker.io/v1/': { identitytoken: 'refresh' },
  },
  credHelpers: { 'r.example': 'vault' },
  credsStore: 'desktop',
};

export const readers = [
  fuzzed({
    name: 'manifest of an image',
    cases: mutatedJson(manifest),
    broken: ['null', '{"config":null,"layers":[]}', '{"config":{},"layers":[null]}'],
    read: text => {
      const { config, layers } = readManifest(Buffer.from(text), 'image');
      for (const each of [config, ...layers]) {
        checkedDigest(each.digest, 'a layer');
        if (!Number.isSafeInteger(each.size) || !each.mediaType.includes('/'))
          throw new TypeError();
      }
    },
  }),
  fuzzed({
    name: 'index that leads to itself',
    cases: mutatedJson(index, manifest),
    broken: [JSON.stringify(index), '{"manifests":null}', '{"manifests":[null]}'],
    read: text => findManifest(storeOf(Buffer.from(text)), 'tag', linuxOn('amd64'), 'image'),
  }),
  fuzzed({
    name: 'config of an image',
    cases: mutatedJson(config),
    read: text => diffIdsIn(Buffer.from(text), 'config'),
  }),
  fuzzed({
    name: 'memory document',
    cases: mutatedJson(JSON.parse(memory)),
    broken: [memory],
    read: text => {
      for (const { blobs: listed } of listImages(Buffer.from(text))) {
        if (listed.some(blob => blob === undefined)) throw new TypeError('it lists no blob');
      }
      const parsed = parseMemory(Buffer.from(text), storeDir);
      if (parsed.kind !== 'memory') return;
      const evidence = {
        image: async () => undefined,
        isStated: async () => false,
        isContent: async () => false,
        lastLayer: async () => undefined,
      };
      const knowledge = arrangeKnowledge(
        [{ memory: parsed.memory, evidence }],
        mediaTypes.layer.zstd,
      );
      for (const path of paths) {
        const closure = knowledge.closureOf(path);
        if (closure && !closure.includes(path)) throw new TypeError('it lacks its own path');
      }
      knownBlobs(parsed.memory);
      // what is written is read again
      const again = serializeMemory(mergeMemories(parsed.memory, parsed.memory));
      if (parseMemory(again, storeDir).kind !== 'memory') throw new TypeError('it is unreadable');
    },
  }),
  fuzzed({
    name: 'challenge and answer of a token server',
    cases: fc.tuple(
      challenge,
      fc.oneof(
        mutatedJson({ token: 'abc.def', expires_in: 300 }, { access_token: 'x', expires_in: '60' }),
        fc
          .tuple(fc.string(), fc.double())
          .map(([token, seconds]) => JSON.stringify({ token, expires_in: seconds })),
      ),
    ),
    broken: [
      ['Bearer realm="https://u:p@auth.example/t"', '{"token":"a\\nb"}'],
      ['Bearer realm="https://auth.example/t"', '{"token":"a","expires_in":1e999}'],
      [`Bearer realm="${'\\'.repeat(7000)}`, ''],
      [`${'a'.repeat(7000)}${' '.repeat(7000)}"`, ''],
    ],
    read: ([text = '', body = '']) => tokenOf(text, body),
  }),
  fuzzed({
    name: "registry's words on what it refuses",
    cases: fc.tuple(
      fc.integer({ min: 300, max: 599 }),
      mutatedJson({ errors: [{ code: 'DENIED', message: 'Basic dTpw' }] }, { details: 'x' }),
    ),
    broken: [[403, '{"errors":[null]}']] as [number, string][],
    read: ([status, body]) => {
      const reference = parseReference('r.example/o/x');
      const refused = { reference, action: 'read', scope: 's', withLogin: true };
      const { message, details } = refusal(answer(body, status), refused);
      const said = [message, ...(details.evidence ?? [])].join('\n');
      if (/[^\P{C}\n]/u.test(said) || said.includes('dTpw')) throw new TypeError(said);
    },
  }),
  fuzzed({
    name: 'file of logins, and what a helper says',
    cases: mutatedJson(goodLogins, { Username: '<token>', Secret: 's' }),
    broken: ['{"auths":{"a":null}}', '{"credsStore":"../../x"}', '{"Secret":5}'],
    read: text => {
      const file = parseLoginFile(text);
      for (const name of [file?.credsStore ?? '', ...(file?.credHelpers.values() ?? [])]) {
        if (name.includes('/')) throw new TypeError(`another program: ${name}`);
      }
      parseHelperAnswer(text);
    },
  }),
  fuzzed({
    name: 'reference of an image',
    cases: fc.oneof(
      fc.string(),
      fc
        .array(
          fc.oneof(
            fc.constantFrom(
              '/',
              ':',
              '@',
              '..',
              'r.example',
              'o',
              'sha256:',
              '%2e',
              '\u0000',
              '#?',
            ),
            fc.string({ maxLength: 4 }),
            fc.constant('a'.repeat(64)),
          ),
          { maxLength: 8 },
        )
        .map(parts => parts.join('')),
    ),
    read: text => {
      const reference = parseReference(text);
      const { pathname } = new URL(`/v2/${reference.repository}/x`, reference.origin);
      if (pathname !== `/v2/${reference.repository}/x`) throw new TypeError(pathname);
      if (parseReference(formatReference(reference)).repository !== reference.repository) {
        throw new TypeError('it is another one when it is written out');
      }
    },
  }),
  fuzzed({
    name: 'Range of an upload',
    cases: fc.oneof(
      fc.string(),
      fc.bigInt({ min: 0n, max: 2n ** 70n }).map(last => `bytes=0-${last}`),
    ),
    read: text => {
      const held = heldBytes(text);
      if (held !== undefined && !(Number.isSafeInteger(held) && held > 1)) throw new TypeError();
    },
  }),
];
