import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { attributesOf, structuredFields } from '../../../src/audit/facts.ts';
import { readConfig } from '../../../src/audit/made-image.ts';
import { builtSince, readPathInfos } from '../../../src/commands/setup/new-paths.ts';
import { buildFailure } from '../../../src/nix/build-failure.ts';
import { findCause } from '../../../src/nix/causes/find.ts';
import { effectiveConf, parseSettings } from '../../../src/nix/conf.ts';
import { parseDerivation, parseDerivationNode } from '../../../src/nix/derivation.ts';
import { readDescription } from '../../../src/nix/evaluate.ts';
import { readVariants } from '../../../src/nix/evaluate-variants.ts';
import { evaluationFailure } from '../../../src/nix/evaluation-failure.ts';
import { createEventReader } from '../../../src/nix/events.ts';
import { readLastModified } from '../../../src/nix/flake.ts';
import { parseVersion } from '../../../src/nix/nix.ts';
import { readRecipe } from '../../../src/nix/recipe.ts';
import { parseDump } from '../../../src/nix/store.ts';
import { recordedWords } from '../../unit/nix/said.ts';
import { mutatedJson, mutatedText } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const hash = '0123456789abcdfghijklmnpqrsvwxyz';
const derivation =
  `Derive([("lib","/nix/store/${hash}-x-lib","",""),("out","/nix/store/${hash}-x","r:sha256","00ff")],` +
  `[("/nix/store/${hash}-dep.drv",["lib","out"])],["/nix/store/${hash}-src"],"x86_64-linux",` +
  `"/nix/store/${hash}-bash/bin/bash",["-c","echo \\"hi\\"\\n\\\\"],` +
  '[("__json","{\\"a\\":[[1,true],null],\\"env\\":{\\"b\\":\\"c\\"}}"),("text","tab\\tand\\r\\n")])';

const eventLines = readFileSync(
  new URL('../../unit/nix/fixtures/realise-2.34.txt', import.meta.url),
  'utf8',
).split('\n');

/** Runs of lines of a real build, with some of them changed. */
const log = fc
  .tuple(fc.nat(eventLines.length), fc.array(mutatedText(...eventLines), { maxLength: 6 }))
  .chain(([from, changed]) =>
    fc.shuffledSubarray([...eventLines.slice(from, from + 20), ...changed]),
  );

const dump = [
  ...[`/nix/store/${hash}-a`, 'ab'.repeat(32), '120', `/nix/store/${hash}-a.drv`, '1'],
  ...[`/nix/store/${hash}-b`, `/nix/store/${hash}-b`, 'cd'.repeat(32), '96', '', '0', ''],
].join('\n');

const info = {
  path: `/nix/store/${hash}-a`,
  deriver: `/nix/store/${hash}-a.drv`,
  registrationTime: 1_700_000_000,
  signatures: ['cache-1:AAAA'],
  ultimate: true,
};

const setting = (value: unknown) => ({ value, defaultValue: value, description: '', aliases: [] });
const settings = {
  'access-tokens': setting({ 'github.com': 'secret' }),
  cores: setting(0),
  'experimental-features': setting(['flakes', 'nix-command']),
  substituters: setting(['https://cache.nixos.org/']),
};

const target = {
  $type: 'derivation',
  name: 'comfyui',
  system: 'x86_64-linux',
  drv: `/nix/store/${hash}-comfyui.drv`,
  output: 'out',
  out: `/nix/store/${hash}-comfyui`,
};
const description = {
  target,
  image: { name: 'comfyui', tag: null },
  recipe: {
    ...{ name: 'comfyui', tag: 'cu130', root: [target] },
    matrix: { cuda: '13.0', jobs: 2, gpu: true },
    layers: [
      { name: 'base', target },
      { name: 'wheels', targets: [target], image: false },
    ],
  },
  folders: [
    {
      at: '/opt/python',
      from: [
        {
          $type: 'text',
          text: `${target.out}/lib`,
          context: { [target.drv]: { outputs: ['out'] } },
        },
      ],
    },
  ],
  config: { Env: ['A=b'], ExposedPorts: { '8188/tcp': {} } },
  context: { [target.drv]: { outputs: ['out'] }, [`/nix/store/${hash}-src`]: { path: true } },
  provenance: {
    own: [target.drv],
    nixpkgs: [target.drv],
    unfree: [{ drv: target.drv, licence: 'CUDA EULA' }],
  },
};

export const readers = [
  fuzzed({
    name: 'a derivation',
    cases: mutatedText(derivation),
    broken: [`Derive([${'"\\'.repeat(50_000)}`, `Derive([("${'\\'.repeat(200_000)}`],
    read(text) {
      parseDerivationNode(text);
      return attributesOf(parseDerivation(text))('a');
    },
  }),
  fuzzed({
    name: 'structured attributes of a derivation',
    cases: mutatedJson({ a: [[1, true], null], env: { b: 'c', list: ['d'] }, pname: 'x' }),
    broken: ['no JSON', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'null', '[]'],
    read(json) {
      const attribute = attributesOf({ env: new Map([['__json', json]]) });
      for (const name of ['a', 'b', 'list', 'constructor', '__proto__']) attribute(name);
      return structuredFields(json);
    },
  }),
  fuzzed({
    name: "an image's configuration in a derivation",
    cases: mutatedJson({ config: { User: '0', Env: ['A=b'], Cmd: ['sh'], Labels: { a: 'b' } } }),
    broken: ['null', '{"config":{"Env":7,"Cmd":null}}'],
    read(json) {
      const { Env = [], Entrypoint = [], Cmd = [], Labels = {} } = readConfig(json) ?? {};
      return [...Env, ...Entrypoint, ...Cmd, ...Object.values(Labels)].map(each => each.length);
    },
  }),
  fuzzed({
    name: "Nix's log as events",
    cases: log,
    broken: [
      [
        '@nix {"action":"start","fields":[],"id":1,"type":101}',
        '@nix {"action":"result","fields":[1e999,-1e999],"id":1,"type":105}',
        '@nix {"action":"result","fields":["a",null,{}],"id":1,"type":105}',
      ],
      ['@nix null', '@nix []', '@nix {"action":"__proto__"}', '@nix {"action":"start"}'],
      ['@nix {"action":"start","fields":["/etc/shadow\\n.drv"],"id":1,"type":105}'],
    ],
    read(lines) {
      const reader = createEventReader();
      for (const line of lines) {
        for (const event of reader.read(line, 1)) {
          if (event.type !== 'download') continue;
          const areCounts = event.done >= 0 && event.expected >= 0;
          if (!areCounts) throw new RangeError(`${event.done} of ${event.expected} bytes`);
        }
      }
      for (const path of reader.running()) reader.succeeded(path, 2);
      if (Number.isNaN(reader.completed())) throw new RangeError('no number of builds');
      return [reader.failed(), reader.errors()];
    },
  }),
  fuzzed({
    name: 'why something failed, in what was said',
    cases: mutatedText(...recordedWords.map(({ text }) => text)),
    broken: [
      `error: unable to download '${'/'.repeat(50_000)}`,
      "error: a '".repeat(5_000),
      `error: path '/${'/0'.repeat(20_000)}`,
    ],
    read(text) {
      const asked = { flake: text, cwd: '/', overrideInputs: [{ input: 'x', flake: text }] };
      const said = { build: [text], evaluation: [text, text], log: [text] };
      const failed = [
        { drvPath: `/nix/store/${hash}-x.drv`, message: text, log: text.split('\n') },
      ];
      return [
        findCause(said, { kind: 'build', asked }),
        buildFailure(failed, [text]).message,
        evaluationFailure('.#x', [text], { cwd: '/' }).message,
      ];
    },
  }),
  fuzzed({
    name: "a dump of the store's database",
    cases: mutatedText(dump),
    broken: [['/nix/store/a', 'ab'.repeat(32), '1', '', '-5', ''].join('\n'), '\n'.repeat(100_000)],
    read: parseDump,
  }),
  fuzzed({
    name: 'nix path-info --json',
    cases: mutatedJson([info], { [info.path]: info }),
    broken: [JSON.stringify({ [info.path]: null })],
    read: text => builtSince(readPathInfos(text), 1e12, () => 0),
  }),
  fuzzed({
    name: 'nix config show --json',
    cases: mutatedJson(settings),
    broken: ['null', '[]', '{"substituters":null}', '{"cores":{"value":{"toString":1}}}'],
    read(text) {
      const conf = effectiveConf(parseSettings(text));
      for (const name of [...Object.keys(settings), 'constructor', '__proto__', 'toString']) {
        conf.list(name);
        conf.text(name);
        conf.names(name);
        conf.isDefault(name);
      }
      return conf.knows('constructor');
    },
  }),
  fuzzed({
    name: 'nix eval --json',
    cases: mutatedJson(description),
    broken: ['', 'null', '{"image":null}'],
    read(text) {
      const { recipe, config, folders } = readDescription(text);
      return readRecipe(recipe, config, folders);
    },
  }),
  fuzzed({
    name: 'nix eval --json of variants',
    cases: mutatedJson({ own: 'comfyui', targets: { cu128: null, cu130: description } }),
    broken: ['', '{"own":null}', '{"own":null,"targets":{"__proto__":null}}'],
    read: text =>
      Object.values(readVariants(text).targets).map(
        found => found && readRecipe(found.recipe, found.config, found.folders),
      ),
  }),
  fuzzed({
    name: 'nix flake metadata --json',
    cases: mutatedJson({ lastModified: 1_700_000_000, url: 'path:/x' }),
    broken: ['', 'null', '{"lastModified":"now"}'],
    read: readLastModified,
  }),
  fuzzed({
    name: 'nix --version',
    cases: mutatedText('nix (Nix) 2.8.0', 'nix (Determinate Nix 3.8.2) 2.30.2\n'),
    read: parseVersion,
  }),
];
