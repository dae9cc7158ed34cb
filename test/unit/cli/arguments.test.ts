import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { examples } from '../../../src/cli/examples.ts';
import { flagsOf } from '../../../src/cli/flags.ts';
import { offeredWith } from '../../../src/inputs/table.ts';
import { verbNames } from '../../../src/inputs/verbs.ts';

function parse(args: string[], env: Record<string, string> = {}, columns?: number) {
  let out = '';
  let errors = '';
  const request = parseArguments(args, env, {
    columns,
    writeOut: text => {
      out += text;
    },
    writeError: text => {
      errors += text;
    },
  });
  return { request, out, errors };
}

const none = {};

test('the flake is the argument; flags have the names of the inputs', () => {
  const { request } = parse([
    ...['build', '.#x', '--image', '-', '--tags', 'a,b', '--tags', 'c', '--no-reuse'],
    ...['--override-inputs', 'n=path:/x', '--override-inputs', 'm=path:/y', '--all-targets'],
  ]);
  assert.deepEqual(request, {
    verb: 'build',
    raw: {
      ...none,
      flake: '.#x',
      image: '-',
      tags: 'a,b\nc',
      reuse: 'false',
      'override-inputs': 'n=path:/x\nm=path:/y',
      'all-targets': 'true',
    },
    telling: {},
  });
});

test('a flag that is not given is no value, so that its default decides', () => {
  assert.deepEqual(parse(['build']).request, { verb: 'build', raw: none, telling: {} });
});

test('push has both answers', () => {
  const raw = (flag: string) => {
    const { request } = parse(['build', flag]);
    return 'raw' in request ? request.raw.push : undefined;
  };
  assert.deepEqual([raw('--push'), raw('--no-push')], ['true', 'false']);
});

test('secrets come from the environment, and are no flags', () => {
  const { request } = parse(['build', '--registry-username', 'flag'], {
    REGISTRY_USERNAME: 'variable',
    REGISTRY_PASSWORD: 'secret',
    GITHUB_TOKEN: 'token',
  });
  assert.deepEqual(request, {
    verb: 'build',
    raw: {
      'registry-username': 'flag',
      'registry-password': 'secret',
      'github-token': 'token',
    },
    telling: {},
  });
  assert.deepEqual(parse(['build', '--registry-password', 'x']).request, { exitCode: 2 });
});

for (const verb of verbNames) {
  test(`help of ${verb} names every input that it has, and asks for nothing`, () => {
    const { request, out } = parse([verb, '--help']);
    assert.deepEqual(request, { exitCode: 0 });
    for (const { name, secret, only } of offeredWith(verb)) {
      if (only === 'action') continue;
      if (secret) assert.ok(out.includes(name.toUpperCase().replaceAll('-', '_')), name);
      else assert.ok(out.includes(name), name);
    }
    assert.ok(!out.includes('--registry-password'));
  });
}

for (const verb of verbNames) {
  test(`help of ${verb} fits any window, and has groups and examples`, () => {
    for (const columns of [40, 80, 200]) {
      const { out } = parse([verb, '--help'], {}, columns);
      const lines = out.split('\n');
      const flat = lines.filter(
        line => !/^Usage|^ {2}(comfy-nix|ref=|--\S+ <|[A-Z_]+$)/.test(line),
      );
      assert.deepEqual(
        flat.filter(line => line.length > Math.min(columns, 100)),
        [],
      );
      assert.match(out, /^What is told:$/m);
      assert.match(out, /^Examples:\n {2}comfy-nix /m);
    }
  });

  test(`each flag that help of ${verb} shows says what it does, in flags`, () => {
    for (const { name, description, isHidden } of flagsOf(verb)) {
      if (isHidden) continue;
      assert.match(description, /^[A-Z].*[.)]$/s, name);
      assert.doesNotMatch(description, /the opposite|default: (true|false)/i, name);
      if (name.startsWith('no-')) assert.doesNotMatch(description, /^Whether/, name);
    }
  });
}

test('flags stand below what they are about', () => {
  const { out } = parse(['build', '--help'], {}, 80);
  const groups = [...out.matchAll(/^([A-Z][^\n]*):$/gm)].map(([, name]) => name);
  assert.deepEqual(groups, [
    'Arguments',
    'The image',
    'Where it goes, and what is reused',
    'Binary caches',
    'Nix and its machines',
    'The task',
    'What is told',
    'Environment (secrets are no flags)',
    'Examples',
  ]);
  assert.match(out, /--no-reuse +Reuse no layer: everything is built again, and\n/);
});

test('the examples of each verb are understood', () => {
  for (const [verb, list] of Object.entries(examples)) {
    for (const [command] of list) {
      const words = /comfy-nix ([^)|]*)/.exec(command)?.[1]?.trim().split(' ') ?? [];
      const { request, errors } = parse(words);
      assert.ok('verb' in request && request.verb === verb, `${command}: ${errors}`);
    }
  }
});

test('how much is told is no input, and what is loud is not quiet', () => {
  const asked = (...args: string[]) => {
    const { request } = parse(args);
    return 'telling' in request ? request.telling : request;
  };
  assert.deepEqual(asked('build', '--json', '--quiet'), { json: true, quiet: true });
  assert.deepEqual(asked('copy', 'a', 'b', '--verbose'), { verbose: true });
  assert.deepEqual(asked('copy', 'a', 'b', '--json'), { exitCode: 2 });
  assert.deepEqual(asked('build', '--quiet', '--verbose'), { exitCode: 2 });
});

for (const args of [['fly'], ['build', '--fly'], ['build', 'a', 'b'], ['build', '--image'], []]) {
  test(`wrong usage: ${args.join(' ') || '(nothing)'}`, () => {
    const { request, out, errors } = parse(args);
    assert.deepEqual(request, { exitCode: 2 });
    assert.equal(out, '');
    assert.notEqual(errors, '');
  });
}

const refused: [args: string[], said: string][] = [
  [['build', '--no-cache'], '`--no-reuse` builds everything again.'],
  [
    ['build', '--cache-to=type=gha'],
    'Nothing is needed for it: what was pushed is remembered in its',
  ],
  [['build', '-t', 'x'], '`--tags` names them.'],
  [['build', '--flake', '.#x'], 'Here it is the argument `flake`.'],
  [['build', '--registry-password', 'x'], 'Here it is the variable `REGISTRY_PASSWORD`.'],
  [['build', '--command', 'copy'], 'Here it is the subcommand.'],
  [['build', '--imagee', 'x'], 'There is none of this name; the nearest is `--image`.'],
  [
    ['prefetch', '--compression', 'x'],
    'The verb prefetch does not read it; build, plan, why, and copy do.',
  ],
  [
    ['setup', '--working-directory', 'x'],
    'The verb setup does not read it; build, plan, why, prefetch,',
  ],
  [['build', '--undo=true'], 'The verb build does not read it; setup does.'],
];

for (const [args, said] of refused) {
  test(`the refusal of ${args.join(' ')} names what is right`, () => {
    const { request, errors } = parse(args);
    assert.deepEqual(request, { exitCode: 2 });
    const [first, second] = errors.split('\n');
    assert.match(first ?? '', /^error: unknown option /);
    assert.ok(second?.startsWith(said), errors);
  });
}

test('the version', () => {
  assert.match(parse(['--version']).out, /^\d+\.\d+\.\d+\n$/);
});
