import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, test } from 'node:test';
import { runCli } from '../../../src/cli/cli.ts';
import { openPrinter } from '../../../src/cli/printer.ts';
import { VerbFailure } from '../../../src/commands/outcome.ts';
import type { Verb } from '../../../src/commands/verbs.ts';
import { Failure } from '../../../src/host/failure.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';
import { failedOutcome, sampleRecord } from '../record/sample.ts';

let temp: string;
beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), 'cli-'));
});
afterEach(() => rm(temp, { recursive: true, force: true }));

async function run(args: string[], verb: Verb, env: Record<string, string> = {}, image?: Writable) {
  const written = { out: '', error: '' };
  const into = (name: keyof typeof written) =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const controller = new AbortController();
  const code = await runCli({
    arguments: args,
    env: { TMPDIR: temp, PATH: process.env.PATH, ...env },
    currentDirectory: temp,
    clock: () => 0,
    signal: controller.signal,
    printer: openPrinter({ stdout: into('out'), stderr: into('error'), colours: false }),
    image,
    terminal: undefined,
    columns: undefined,
    verbs: {
      build: verb,
      setup: async () => ({ outputs: {} }),
      prefetch: verb,
      audit: verb,
      report: async () => ({ outputs: {} }),
      copy: async () => ({ outputs: {} }),
      plan: verb,
      why: verb,
    },
  });
  return { code, ...written };
}

test('all that people read is on standard error', async () => {
  const { code, out, error } = await run(['build'], async (_raw, _context, host) => {
    host.emit({ type: 'phase-start', phase: 'evaluate', at: 0 });
    host.emit({ type: 'warning', message: 'look', at: 0 });
    return { record: sampleRecord(), outputs: {} };
  });
  assert.equal(code, 0);
  assert.equal(out, '');
  assert.match(
    error,
    /^Evaluating the flake\nwarning: look\n\.#comfyui in 1 min 15 s\n.*\n\nlayer +origin .*\n/,
  );
});

const digest = `sha256:${'a'.repeat(64)}`;
const ref = `ghcr.io/o/x@${digest}`;
const made: Verb = async (_raw, _context, host) => {
  host.emit({ type: 'phase-start', phase: 'evaluate', at: 0 });
  host.emit({ type: 'warning', message: 'Set `reuse: false`.', at: 0 });
  await host.run({ file: 'true', args: ['a b'], limit: 'none' });
  return { record: sampleRecord(), outputs: { ref, tags: ['cu130'] } };
};

test('standard output has the reference of the image that was made, and nothing else', async () => {
  const { out, error } = await run(['build'], made);
  assert.equal(out, `${ref}\n`);
  assert.match(error, /^Evaluating the flake\nwarning: Set `--no-reuse`\.\n\.#comfyui in /);
  const image = await run(['build', '--image', '-'], made, {}, new Writable());
  assert.deepEqual([image.code, image.out], [0, '']);
});

test('with --json it has the record, which any text of others leaves a JSON document', async () => {
  const hostile = '##[add-mask]x \u202e \u001b[2J \u{e0001} #\u200b#[error]';
  const record = { ...sampleRecord(), warnings: [hostile] };
  const { out } = await run(['build', '--json'], async () => ({ record, outputs: { ref } }));
  assert.deepEqual(JSON.parse(out), record);
  assert.doesNotMatch(out, /##|\p{Cf}|[^\P{Cc}\n]/u);
  const failed = await run(['build', '--json'], async () => {
    throw new VerbFailure('It broke.', failedOutcome(record));
  });
  assert.deepEqual([failed.code, JSON.parse(failed.out)], [1, record]);
});

test('the record and the image do not share standard output', async () => {
  const fails: Verb = () => assert.fail('ran');
  const args = ['build', '--image', '-', '--json'];
  const { code, out, error } = await run(args, fails, {}, new Writable());
  assert.deepEqual([code, out], [2, '']);
  assert.match(
    error,
    /^comfy-nix: The flag --json writes to standard output, which takes the image already\.\n/,
  );
});

test('--quiet leaves warnings, errors and the result', async () => {
  const { out, error } = await run(['build', '--quiet'], made);
  assert.deepEqual([out, error], [`${ref}\n`, 'warning: Set `--no-reuse`.\n']);
  const failed = await run(['build', '--quiet'], async () => {
    throw new VerbFailure('It broke.', failedOutcome(sampleRecord()));
  });
  assert.equal(failed.error, 'comfy-nix: It broke.\n');
});

test('--verbose tells the commands that are run, as they could be typed', async () => {
  const { error } = await run(['build', '--verbose'], made);
  assert.match(error, /^\$ true 'a b'$/m);
});

test('a completion is printed, and nothing is done', async () => {
  const { code, out, error } = await run(['completion', 'bash'], () => assert.fail('ran'));
  assert.deepEqual([code, error], [0, '']);
  assert.match(out, /^# source <\(comfy-nix completion bash\)\n/);
  assert.equal((await run(['completion', 'tcsh'], () => assert.fail('ran'))).code, 2);
});

test('bash completes what stands behind an equals sign, which it takes for a word', async () => {
  const { out } = await run(['completion', 'bash'], () => assert.fail('ran'));
  const completed = (...words: string[]) => {
    const asked = `set -u; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _comfy_nix; echo "\${COMPREPLY[*]}"`;
    const shell = ['-c', `${out}\n${asked}`, 'bash', ...words];
    const { stdout, stderr } = spawnSync('bash', shell, { encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout.trim();
  };
  assert.equal(completed('comfy-nix', 'build', '--compression', '=', 'z'), 'zstd');
  assert.equal(completed('comfy-nix', 'build', '--compression', '='), 'zstd gzip none');
  assert.equal(completed('comfy-nix', 'build', '--compression', 'g'), 'gzip');
  assert.equal(completed('comfy-nix', 'cop'), 'copy');
  for (const odd of ['', '*', '$(touch x)', "'", '--x y', '-']) completed('comfy-nix', odd, odd);
});

test("help's text is what was asked, so it is on standard output", async () => {
  const { code, out, error } = await run(['--help'], () => assert.fail('ran'));
  assert.equal(code, 0);
  assert.match(out, /^Usage: comfy-nix/);
  assert.equal(error, '');
});

test('the folder of the run is gone after it, whether it went well or not', async () => {
  let folder = '';
  const verb: Verb = async (_raw, context) => {
    folder = context.temporaryDirectory;
    assert.ok(existsSync(folder));
    throw new Failure('It broke.', { exitCode: 2 });
  };
  const { code, error } = await run(['build'], verb);
  assert.equal(code, 2);
  assert.equal(error, 'comfy-nix: It broke.\n');
  assert.notEqual(folder, '');
  assert.deepEqual(await readdir(temp), []);
});

test('a failure with a record shows the table before the error', async () => {
  const { code, error } = await run(['build'], async () => {
    throw new VerbFailure(
      'It broke.',
      failedOutcome(sampleRecord({ outcome: 'failure', failure: 'x' })),
    );
  });
  assert.equal(code, 1);
  assert.match(
    error,
    /^\.#comfyui failed after .*\n.*\n\nlayer +origin[\s\S]*\ncomfy-nix: It broke\.\n$/,
  );
});

test('the record that a run leaves which failed before its layers were known is named', async () => {
  const { error } = await run(['build'], async () => {
    const outcome = failedOutcome(sampleRecord({ outcome: 'failure', layers: [] }));
    throw new VerbFailure('It broke.', { ...outcome, outputs: { record: 'run.json' } });
  });
  assert.equal(error, 'Record: run.json\ncomfy-nix: It broke.\n');
});

test('secrets are inputs of the verb, and in the environment of no program it runs', async () => {
  const env = { REGISTRY_PASSWORD: 'secret', GITHUB_TOKEN: 'token' };
  const verb: Verb = async (raw, _context, host) => {
    assert.equal(raw['registry-password'], 'secret');
    assert.equal(raw['github-token'], 'token');
    const { stdout } = await host.run({ file: 'env', args: [], limit: 'none' });
    assert.doesNotMatch(stdout, /secret|token/);
    assert.match(stdout, /^PATH=/m);
    return { outputs: {} };
  };
  assert.deepEqual(await run(['build'], verb, env), { code: 0, out: '', error: '' });
});

test('an image is written to a pipe or a file, and a terminal is refused before anything is done', async () => {
  const builds: unknown[] = [];
  const verb: Verb = async (raw, context) => {
    builds.push(parseBuild(raw, context).image);
    return { outputs: {} };
  };
  const { code, error } = await run(['build', '--image', '-'], verb);
  assert.equal(code, 2);
  assert.match(error, /^comfy-nix: --image: "-" is standard output, and here that takes no/);
  const piped = await run(['build', '--image', '-'], verb, {}, new Writable());
  assert.deepEqual([piped.code, builds], [0, ['-']]);
});

test('a temporary folder that is gone is one sentence, and nothing is done', async () => {
  const { code, error } = await run(['build'], () => assert.fail('ran'), { TMPDIR: '/gone' });
  assert.equal(code, 1);
  assert.match(error, /^comfy-nix: No temporary folder can be made in \/gone: it is not there\.\n/);
  assert.doesNotMatch(error, /^ +at /m);
});
