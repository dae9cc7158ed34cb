import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments.ts';
import { offeredWith } from '../../../src/inputs/table.ts';
import { verbNames } from '../../../src/inputs/verbs.ts';

function parse(args: string[], env: Record<string, string> = {}) {
  let out = '';
  let errors = '';
  const request = parseArguments(args, env, {
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
  });
});

test('a flag that is not given is no value, so that its default decides', () => {
  assert.deepEqual(parse(['build']).request, { verb: 'build', raw: none });
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
  [['prefetch', '--compression', 'x'], 'The verb prefetch does not read it; build and copy do.'],
  [
    ['setup', '--working-directory', 'x'],
    'The verb setup does not read it; build, prefetch, audit,',
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
