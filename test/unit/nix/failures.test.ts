import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildFailure, reasonOf } from '../../../src/nix/build-failure.ts';
import type { DerivationKind } from '../../../src/nix/causes/cause.ts';
import {
  evaluationFailure,
  isMissingAttribute,
  missingAttribute,
} from '../../../src/nix/evaluation-failure.ts';

const drv = (name: string) => `/nix/store/8ac8rqp26rj89vw2hgim178ycd9k6612-${name}.drv`;

const builderFailed = {
  '2.8': `error: builder for '${drv('bad')}' failed with exit code 3`,
  '2.20': `error: builder for '${drv('bad')}' failed with exit code 3;\n       last 1 log lines:\n       > no`,
  '2.34': `error: Cannot build '${drv('bad')}'.\n       Reason: builder failed with exit code 3.\n       Output paths:\n         /nix/store/x`,
};

test('every version tells why a builder failed in the same words', () => {
  for (const message of Object.values(builderFailed)) {
    assert.equal(reasonOf(message), 'builder failed with exit code 3');
  }
  assert.equal(reasonOf(''), 'its builder failed');
  assert.equal(
    reasonOf(`error: hash mismatch in fixed-output derivation '${drv('src')}':\n specified: a`),
    'hash mismatch in fixed-output derivation',
  );
});

test('why Nix ended a build itself is told in the same words by every version', () => {
  const ended = {
    'timed out after 2 seconds of silence': [
      `error: building of '${drv('slow')}!*' from .drv file timed out after 2 seconds of silence`,
    ],
    'timed out after 2 seconds': [
      `error: building of '${drv('slow')}!out' from .drv file timed out after 2 seconds`,
      'error: timed out after 2 seconds',
      "error:\n       … while calling the 'import' builtin\n\n       error: timed out after 2 seconds",
    ],
    'killed after writing more than 1000 bytes of log output': [
      `error: building of '${drv('slow')}!*' from .drv file killed after writing more than 1000 bytes of log output`,
      `error: building derivation '${drv('slow')}' killed after writing more than 1000 bytes of log output`,
    ],
    'builder failed due to signal 9 (Killed)': [
      `error: builder for '${drv('slow')}' failed due to signal 9 (Killed)`,
      `error: Cannot build '${drv('slow')}'.\n       Reason: builder failed due to signal 9 (Killed).`,
    ],
  };
  for (const [reason, messages] of Object.entries(ended)) {
    for (const message of messages) assert.equal(reasonOf(message), reason);
  }
});

test('an error without a name is the reason of the build that has none', () => {
  const slow = { drvPath: drv('slow'), message: '', log: ['step one'] };
  const error = 'error: timed out after 2 seconds';
  const failure = buildFailure([slow], [error]);
  assert.equal(failure.message, 'The build of slow failed: timed out after 2 seconds.');
  assert.deepEqual(failure.details.evidence, [`${drv('slow')}:`, 'step one', error]);
  assert.match(failure.details.why ?? '', /^It took 2 seconds in all/);
  const two = buildFailure(
    [slow, { ...slow, drvPath: drv('other'), message: builderFailed['2.8'] }],
    [error, builderFailed['2.8'], error],
  );
  assert.match(two.message, /slow \(timed out after 2 seconds\), other \(builder failed/);
  const unclear = buildFailure([slow], [error, 'error: something else']);
  assert.equal(unclear.message, 'The build of slow failed: its builder failed.');
});

test('one failed build is told with layer, log and command', () => {
  const failure = buildFailure(
    [
      {
        drvPath: drv('bad'),
        message: builderFailed['2.34'],
        log: ['\u001b[31mred\u001b[0m', 'end'],
      },
      {
        drvPath: drv('needy'),
        message: `error: Cannot build '${drv('needy')}'.\n Reason: 1 dependency failed.`,
        log: [],
      },
    ],
    [],
    { layerOf: () => 'layer3-pytorch' },
  );
  assert.equal(failure.message, 'The build of bad failed: builder failed with exit code 3.');
  assert.equal(failure.details.layer, 'layer3-pytorch');
  assert.deepEqual(failure.details.evidence, [`${drv('bad')}:`, 'red', 'end']);
  assert.equal(failure.details.next, `nix log ${drv('bad')}`);
});

test("a mismatch of hashes is told in Nix's words, which have both", () => {
  const message = `error: hash mismatch in fixed-output derivation '${drv('src')}':\n  specified: sha256-A\n  got: sha256-B`;
  const { evidence } = buildFailure([{ drvPath: drv('src'), message, log: [] }], []).details;
  assert.ok(evidence?.includes('  got: sha256-B'));
});

test('whose disk is full is told apart, and what a log says is a guess', () => {
  const log = ['cp: No space left on device'];
  const of = (kind: DerivationKind) =>
    buildFailure([{ drvPath: drv('bad'), message: builderFailed['2.8'], log }], [], {
      kindOf: () => kind,
    }).details.why ?? '';
  assert.match(of('build'), /^likely: The disk is full that the builder writes to/);
  assert.match(of('virtual machine'), /^likely: The disk inside the virtual machine/);
  const whole = (error: string) => buildFailure([], [error]).details.why ?? '';
  assert.match(
    whole('error: executing SQLite statement: database or disk is full'),
    /^The disk is full on which Nix has its store/,
  );
  assert.match(
    whole("error: writing to file '/tmp/nix-1/x': No space left on device"),
    /^The disk that holds \/tmp\/nix-1\/x is full/,
  );
});

test('a cache that failed is told apart from a download that failed', () => {
  const cache = buildFailure(
    [
      {
        drvPath: drv('big'),
        message: `error: some substitutes for the outputs of derivation '${drv('big')}' failed (usually happens due to networking issues); try '--fallback' to build derivation from source `,
        log: [],
      },
    ],
    [],
  );
  assert.match(cache.details.why ?? '', /^A binary cache failed/);
  const dead = buildFailure(
    [
      {
        drvPath: drv('src'),
        message: builderFailed['2.34'],
        log: [
          "error: unable to download 'https://user:secret@example.org/x?key=y': HTTP error 404",
        ],
      },
    ],
    [],
    { kindOf: () => 'download' },
  );
  assert.match(
    dead.details.why ?? '',
    /^likely: There is nothing at the address https:\/\/example.org\/x any more \(HTTP 404\)/,
  );
});

test('a failure that belongs to no derivation shows what Nix said', () => {
  const failure = buildFailure([], ['error: cannot connect to socket']);
  assert.deepEqual(failure.details.evidence, ['error: cannot connect to socket']);
});

const missing =
  "error: flake 'path:/f' does not provide attribute 'packages.x86_64-linux.comfyu', 'legacyPackages.x86_64-linux.comfyu' or 'comfyu'\n       Did you mean comfyui?";

test('a missing attribute is recognised, and told with what is similar', () => {
  assert.ok(isMissingAttribute('.#comfyu', [missing]));
  assert.ok(isMissingAttribute('.#comfyu^out', [missing]));
  assert.ok(!isMissingAttribute('.#other', [missing]));
  assert.ok(!isMissingAttribute('.#x', ["error: attribute 'x' missing"]));
  const failure = missingAttribute(['.#comfyu', '.#default'], [missing], []);
  assert.equal(failure.message, 'The flake has no target .#comfyu, nor .#default.');
  assert.match(failure.details.next ?? '', /^Did you mean comfyui\?/);
  const names = ['layer0-base', 'comfy', 'comfyui', 'comfyui-cu130', 'zlib'];
  const { next } = missingAttribute(['.#comfyu'], [missing], names).details;
  assert.match(next ?? '', /^Did you mean comfy, comfyui\?/);
});

test('what a flake traces or throws is no missing attribute', () => {
  for (const text of [
    `trace: ${missing}`,
    `error:\n       … while calling the 'throw' builtin\n\n       ${missing}`,
    `warning: ${missing}`,
  ]) {
    assert.ok(!isMissingAttribute('.#comfyu', [text]), text);
  }
});

const ownership = {
  'git of 2.8':
    "fatal: detected dubious ownership in repository at '/src/app'\nerror: program 'git' failed with exit code 128",
  libgit2: `error: opening Git repository "/src/app": repository path '/src/app' is not owned by current user (libgit2 error code = 7)`,
  'libgit2 with its folder': `error: opening Git repository "/src/app": repository path '/src/app/' is not owned by current user`,
  'an older git':
    'warning: Not a git repository. Use --no-index to compare two paths outside a working tree\nusage: git diff --no-index [<options>] <path> <path>',
};

for (const [who, text] of Object.entries(ownership)) {
  test(`a checkout of another user is told with the remedy: ${who}`, () => {
    const { details } = evaluationFailure('.#x', [text], { cwd: '/src/app' });
    assert.equal(details.next, 'git config --global --add safe.directory /src/app');
    assert.deepEqual(details.evidence, []);
  });
}

test('the usual causes are told apart', () => {
  const told = (installable: string, text: string) =>
    evaluationFailure(installable, [text], { cwd: '/src' }).message;
  assert.match(told('.#x', "error: executing 'git': No such file or directory"), /^git is missing/);
  for (const text of [
    'error: could not find a flake.nix file',
    "error: unable to find a flake before encountering filesystem boundary at '/'",
    "error: path '/src' is not part of a flake (neither it nor its parent directories contain a 'flake.nix' file)",
    `error: Path 'flake.nix' does not exist in Git repository "/src".`,
  ]) {
    assert.equal(told('.#x', text), 'There is no flake.nix in /src.');
  }
  const inStore = '/nix/store/0ccnxa25whszw7mgbgyzdm4nqc0zwnm8-source/flake.nix';
  assert.equal(
    told('./a#x', `error: getting status of '${inStore}': No such file or directory`),
    'There is no flake.nix in /src/a.',
  );
  assert.equal(
    told('./a#x', `error: path '${inStore}' does not exist`),
    'There is no flake.nix in /src/a.',
  );
  assert.equal(
    told('./a#x', `error: getting status of '/src/a': No such file or directory`),
    'There is no flake at /src/a.',
  );
  assert.equal(
    told('a/b#x', "error: cannot find flake 'flake:a' in the flake registries"),
    'a/b is in no flake registry that can be reached.',
  );
});

test('what is missing is named: the flake, or what an input was to be', () => {
  const overrideInputs = [
    { input: 'nixpkgs', flake: 'github:NixOS/nixpkgs' },
    { input: 'busybox', flake: 'path:./build/busybox' },
    { input: 'other', flake: '/elsewhere' },
  ];
  const told = (text: string) =>
    evaluationFailure('path:/src/a#x', [text], { cwd: '/src', overrideInputs }).message;
  for (const text of [
    "error: getting status of '/src/a': No such file or directory",
    'error: getting status of "/src/a": No such file or directory',
    "error:\n       … while fetching\n\n       error: path '//src/a' does not exist",
    'error: getting status of "/src/path:/src/a": No such file or directory',
  ]) {
    assert.equal(told(text), 'There is no flake at /src/a.', text);
    assert.equal(
      told(text.replaceAll('/src/a', '/src/build/busybox')),
      'The input busybox is to be path:./build/busybox, and there is nothing at /src/build/busybox.',
    );
    assert.match(told(text.replaceAll('/src/a', '/elsewhere')), /^The input other is to be /);
  }
  assert.equal(
    told("error: 'path:/src/a b#x' is not a valid URL"),
    'This Nix cannot read the address path:/src/a b#x.',
  );
});

test("any other error is shown in Nix's words, at most forty lines from their end", () => {
  const lines = Array.from({ length: 100 }, (_, at) => `line ${at}`).join('\n');
  const { message, details } = evaluationFailure('.#x', [`error: kaboom\n${lines}`], {
    cwd: '/src',
  });
  assert.equal(message, '.#x cannot be evaluated.');
  assert.equal(details.evidence?.length, 40);
  assert.equal(details.evidence?.at(-1), 'line 99');
});

test('the way to an error is left out, and it is said how it is shown', () => {
  const message = "error: attribute 'x' missing\n\n       at /flake.nix:3:5:";
  const place = '\n            2|\n            3| x';
  const way = '       … while evaluating the attribute y\n\n         at /flake.nix:1:1:';
  const shown = [...message.split('\n'), ...place.split('\n')].filter(line => line.trim() !== '');
  // before the message, as new versions have it, and behind it
  for (const text of [
    `error:\n${way}\n\n       ${message}${place}`,
    `${message}${place}\n\n${way}`,
  ]) {
    const { details } = evaluationFailure('.#x', [text], { cwd: '/src' });
    assert.deepEqual(details.evidence, shown);
    assert.match(details.next ?? '', /--show-trace/);
  }
});

test('what a flake throws is shown whole, whatever words are in it', () => {
  const thrown = 'error: evil\n       ::error::PWN\n       an error: no more';
  const { details } = evaluationFailure('.#x', [thrown], { cwd: '/src' });
  assert.deepEqual(details.evidence, thrown.split('\n'));
});
