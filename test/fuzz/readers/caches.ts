import { readCache } from '../../../src/caches/cachix-api.ts';
import { readDaemonLog } from '../../../src/caches/cachix-log.ts';
import { distrusted, explainDistrust, signersIn } from '../../../src/caches/signatures.ts';
import { mutatedJson, mutatedText } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const path = '/nix/store/0123456789abcdfghijklmnpqrsvwxyz-a';
const narinfo = `StorePath: ${path}
URL: nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.zst
Compression: zstd
FileSize: 96
NarHash: sha256:1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3
NarSize: 120
References: ${path.slice(11)}
Sig: cache.example-1:AAAA==
Sig: other-1:BBBB==
`;

const cache = {
  name: 'open',
  isPublic: true,
  publicSigningKeys: [`open.cachix.org-1:${'A'.repeat(43)}=`],
  uri: 'https://open.cachix.org',
};

const daemonLog = `[2026-01-01 00:00:00][Info] Pushed ${path}
[2026-01-01 00:00:01][Info] Skipping ${path}-b
[2026-01-01 00:00:02][Info][error:the server
said no] Failed to push ${path}-c
`;

const distrust = `warning: ignoring substitute for '${path}' from 'https://user@cache.example?x=1', as it's not signed by any of the keys`;

/** A line of nix.conf is ended, and a word of it, by these. */
const meansSomething = /[\s#\\]/;

export const readers = [
  fuzzed({
    name: 'a narinfo',
    cases: mutatedText(narinfo),
    broken: ['Sig: a:b\n'.repeat(100_000), `Sig: ${'a'.repeat(500_000)}`],
    read: text => explainDistrust(signersIn(text), ['cache.example-1:AAAA']),
  }),
  fuzzed({
    name: "Cachix' answer",
    cases: mutatedJson(cache),
    broken: [
      JSON.stringify({ ...cache, uri: 'file:///nix/store' }),
      JSON.stringify({ ...cache, name: '\x1b[2J' }),
      JSON.stringify({ ...cache, publicSigningKeys: ['a:b#'] }),
    ],
    read(text) {
      const read = readCache(text);
      if ('reason' in read) return read;
      for (const word of [read.name, read.uri, ...read.publicSigningKeys]) {
        if (meansSomething.test(word)) throw new RangeError(`${word} goes into nix.conf`);
      }
      return read;
    },
  }),
  fuzzed({
    name: "the log of Cachix' daemon",
    cases: mutatedText(daemonLog),
    broken: [`Pushed /${'a '.repeat(100_000)}`, 'Pushed /a Pushed '.repeat(50_000)],
    read: readDaemonLog,
  }),
  fuzzed({
    name: "Nix's words about signatures",
    cases: mutatedText(distrust),
    broken: ["substitute for 'a' from 'b'".repeat(20_000)],
    read: message => distrusted(message),
  }),
];
