import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { explain, Failure } from '../../../src/host/failure.ts';
import { evaluate } from '../../../src/nix/evaluate.ts';
import { nixIn } from '../../../src/nix/nix.ts';
import { realise } from '../../../src/nix/realise.ts';
import { namedTargets } from '../../../src/nix/recipe-layers.ts';
import type { Nix } from '../../../src/nix/types.ts';
import { serve } from '../../tools/http-server.ts';
import { type Workbench, workbench, writeFlake } from './workbench.ts';

/** A flake that fails: its target, settings of Nix, and what a person has to be told. */
interface Failing {
  /** Nix's text of the target; `sh name script more` is a derivation, `sleep` a command of its builder. */
  target: string;
  /** Lines of nix.conf. */
  conf?: string;
  /** What is in the failure's text, with both versions. */
  told: readonly (string | RegExp)[];
  /** What is not. */
  untold?: RegExp;
}

const noHash = 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const fixed = `outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "${noHash}";`;
const offline = 'download-attempts = 1\nconnect-timeout = 1';

/** What `builtin:fetchurl` fetches, as nixpkgs' own fetchurl does while it starts. */
const fetched = (name: string, url: string) =>
  `builtins.derivation { name = "${name}"; system = "builtin"; builder = "builtin:fetchurl"; url = "${url}"; ` +
  `urls = [ "${url}" ]; unpack = ""; executable = ""; ${fixed} }`;

const builds: Record<string, Failing> = {
  fails: {
    target: `sh "fails" "echo no such header: cuda.h; exit 3" { }`,
    told: ['layer3: The build of fails failed: builder failed with exit code 3.', 'no such header'],
    untold: /Why:/,
  },
  slow: {
    target: `sh "slow" "while true; do echo step; \${sleep} 1; done" { }`,
    conf: 'timeout = 2',
    told: ['timed out after 2 seconds', 'step', 'Why: It took 2 seconds in all', '`timeout`'],
  },
  silent: {
    target: `sh "silent" "echo linking; \${sleep} 30" { }`,
    conf: 'max-silent-time = 2',
    told: ['timed out after 2 seconds', 'linking', '`max-silent-time`'],
  },
  'two-silent': {
    target: `sh "two-silent" "echo \${sh "one" "echo 1; \${sleep} 30" { }} \${sh "other" "echo 2; \${sleep} 30" { }} > $out" { }`,
    conf: 'max-silent-time = 2\nmax-jobs = 2',
    told: [
      /2 builds failed: .*one of layer3 \(timed out/,
      /other of layer3 \(timed out/,
      /Why: (one, other|other, one): (It took|The builder wrote)/,
    ],
    untold: /two-silent/,
  },
  chatty: {
    target: `sh "chatty" "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo a long line; done; \${sleep} 1" { }`,
    conf: 'max-build-log-size = 1000',
    told: ['killed after writing more than 1000 bytes', '`max-build-log-size`'],
  },
  killed: {
    target: `sh "killed" "echo nvcc; kill -9 $$" { }`,
    conf: 'sandbox = false',
    told: ['failed due to signal 9', 'nvcc', 'Why: likely: The machine has not enough memory'],
  },
  memory: {
    target: `sh "memory" "echo cc1plus; exit 137" { }`,
    told: ['exit code 137', 'Why: likely: The machine has not enough memory', '`max-jobs: 1`'],
  },
  disk: {
    target: `sh "disk" "echo cp: write error: No space left on device; exit 1" { }`,
    told: ['Why: likely: The disk is full that the builder writes to'],
  },
  'disk-of-machine': {
    target: `sh "disk-of-machine" "echo cp: No space left on device; exit 1" { requiredSystemFeatures = [ "kvm" ]; }`,
    conf: 'system-features = kvm',
    told: ['Why: likely: The disk inside the virtual machine', 'diskSize = 8192;'],
    untold: /nix-collect-garbage/,
  },
  panic: {
    target: `sh "panic" "echo '[ 1.2] Kernel panic - not syncing: Attempted to kill init!'; exit 1" { requiredSystemFeatures = [ "kvm" ]; }`,
    conf: 'system-features = kvm',
    told: ['Why: likely: The virtual machine that runs runAsRoot has crashed', 'fakeRootCommands'],
  },
  kvm: {
    target: `sh "kvm" "echo > $out" { requiredSystemFeatures = [ "kvm" ]; }`,
    conf: 'system-features = nixos-test',
    told: ['Why: The build runs a virtual machine', 'Make the image without runAsRoot'],
  },
  feature: {
    target: `sh "feature" "echo > $out" { requiredSystemFeatures = [ "cuda" ]; }`,
    told: ['call themselves cuda', '`extra-system-features = cuda`'],
  },
  system: {
    target: `sh "system" "echo > $out" { system = "riscv64-linux"; }`,
    told: [
      /Why: It can be built on riscv64-linux alone, and this machine is \w+-linux/,
      '`builders`',
    ],
  },
  hash: {
    target: `sh "hash" "echo -n a > $out" { ${fixed} }`,
    told: [
      'Why: What was fetched is not what the flake expects',
      'hash = "sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=";',
    ],
  },
  sandbox: {
    target: `sh "sandbox" "echo > $out" { __noChroot = true; }`,
    told: ['wants to be built outside of the sandbox', '`sandbox = relaxed`'],
  },
  network: {
    target: `sh "network" "echo curl: '(6)' Could not resolve host: pypi.example; exit 6" { }`,
    told: ['Why: likely: The build wants something of the network', 'comfy-nix prefetch'],
  },
  gone: {
    target: fetched('gone', 'SERVER/gone'),
    told: [/Why: likely: There is nothing at the address http:\S+\/gone any more \(HTTP 404\)/],
    untold: /binary cache/,
  },
  unreachable: {
    target: fetched('unreachable', 'http://127.0.0.1:9/x.tar.gz'),
    conf: offline,
    told: [/Why: likely: What a derivation fetches cannot be had: http:\S+ \(.*connect/],
    untold: /binary cache/,
  },
};

const evaluations: Record<string, Failing> = {
  imports: {
    target: `import (sh "imports" "echo generating; echo no python; exit 3" { })`,
    told: [
      'The build of imports failed: builder failed with exit code 3',
      'no python',
      'imports.drv',
    ],
  },
  'imports-silent': {
    target: `import (sh "imports-silent" "echo generating; \${sleep} 30" { })`,
    conf: 'max-silent-time = 2',
    told: ['timed out after 2 seconds', 'generating', '`max-silent-time`', 'The flake imports'],
  },
  endless: {
    target: `builtins.foldl' (a: _: a + a) "0123456789abcdef" (builtins.genList (x: x) 40)`,
    told: ['Evaluation needs more memory than there is.'],
  },
  unfree: {
    target: `throw "Package ‘cuda_nvcc-13.0’ in /x/default.nix:1 has an unfree license (‘CUDA EULA’), refusing to evaluate."`,
    told: ['The licence of cuda_nvcc-13.0 is not free', 'config.allowUnfree = true;'],
  },
  insecure: {
    target: `throw "Package ‘openssl-1.1.1w’ in /x/default.nix:1 is marked as insecure, refusing to evaluate."`,
    told: ['permittedInsecurePackages = [ "openssl-1.1.1w" ];'],
  },
  'rate-limit': {
    target: `builtins.fetchurl { url = "SERVER/limited"; sha256 = "${noHash}"; }`,
    told: ['GitHub answers no more for this hour', '`github-token`', '`access-tokens`'],
  },
  login: {
    target: `builtins.fetchurl { url = "SERVER/private"; sha256 = "${noHash}"; }`,
    told: [/needs a login, or the token lacks a scope: http:\S+\/private \(HTTP 401\)/],
  },
  address: {
    target: `builtins.fetchurl { url = "SERVER/gone"; sha256 = "${noHash}"; }`,
    told: [/There is nothing at the address http:\S+\/gone any more/],
  },
  pure: {
    target: 'import /etc/hostname',
    told: [/The flake reads \/etc(\/hostname)? of this machine/], // 2.26 looks at the folder first
  },
  name: {
    target: 'let cuda = { cudnn = 1; }; in cuda.cudn',
    told: ['The flake asks for cudn, which is not there.', 'Did you mean cudnn?'],
  },
  traced: {
    target: `builtins.trace "error: flake 'x' does not provide attribute 'packages.x86_64-linux.traced' or 'traced'" (throw "kaboom")`,
    told: ['.#traced cannot be evaluated.', 'kaboom'],
  },
  throws: {
    target: `throw "wrote: No space left on device"`,
    told: ['.#throws cannot be evaluated.'],
    untold: /The disk is full/,
  },
};

/** What the flakes fetch from. */
function answer({ url }: IncomingMessage, response: ServerResponse): void {
  if (url === '/limited') response.writeHead(403).end(limited);
  else response.writeHead(url === '/private' ? 401 : 404).end();
}

/** What GitHub answers who has asked too often. */
const limited =
  '{"message":"API rate limit exceeded for 192.0.2.1. (But here\'s the good news: Authenticated requests get a ' +
  'higher rate limit. Check out the documentation for more details.)","documentation_url":' +
  '"https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting"}';

/** One flake with all targets; `all` has those that are built as layers, so that one evaluation names them. */
function flakeOf(shell: string): string {
  const attributes = Object.entries({ ...builds, ...evaluations }).map(
    ([name, { target }]) => `${name} = ${target};`,
  );
  const layers = Object.keys(builds).map(name => `{ name = "${name}"; target = targets.${name}; }`);
  return `{
    inputs.shell = { url = "path:${shell}"; flake = false; };
    outputs = { self, shell }: let
      sleep = "\${shell}/busybox sleep";
      sh = name: script: more: builtins.derivation ({
        inherit name;
        system = "${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux";
        builder = "\${shell}/busybox";
        args = [ "sh" "-c" script ];
      } // more);
      targets = { ${attributes.join('\n')} };
      all = sh "all" "" { } // { recipe = { name = "all"; tag = "x"; layers = [ ${layers.join('\n')} ]; }; };
      packages = targets // { inherit all; default = sh "default" "echo > $out" { }; };
    in { packages = { x86_64-linux = packages; aarch64-linux = packages; }; };
  }`;
}

async function writeFailing({ folder }: Workbench, server: string): Promise<string> {
  const [shell, flake] = [join(folder, 'shell'), join(folder, 'flake')];
  await Promise.all([shell, flake].map(each => mkdir(each)));
  await copyFile('/bin/busybox', join(shell, 'busybox'));
  await writeFile(join(flake, 'flake.nix'), flakeOf(shell).replaceAll('SERVER', server));
  return flake;
}

/** The same Nix with further settings. */
async function configured({ bin, host }: Nix, conf: string): Promise<Nix> {
  const nix = await nixIn(bin, { ...host, env: { ...host.env, NIX_CONFIG: conf } });
  assert.ok(nix);
  return nix;
}

/** The same Nix, whose programs begin with these lines of a shell. */
async function beginning(nix: Nix, folder: string, lines: string): Promise<Nix> {
  const bin = join(folder, `bin-${randomUUID()}`);
  await mkdir(bin);
  for (const name of ['nix', 'nix-store']) {
    const script = `#!/bin/sh\n${lines}\nexec ${join(nix.bin, name)} "$@"\n`;
    await writeFile(join(bin, name), script, { mode: 0o755 });
  }
  return { ...nix, bin };
}

async function toldOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, String(error));
  return explain(error);
}

function check(text: string, { told, untold }: Failing): void {
  for (const part of told) {
    const isThere = typeof part === 'string' ? text.includes(part) : part.test(text);
    assert.ok(isThere, `${String(part)} is not in\n${text}`);
  }
  if (untold) assert.doesNotMatch(text, untold);
}

const asked = (cwd: string, ...installables: string[]) => ({
  installables,
  cwd,
  overrideInputs: [],
  acceptFlakeConfig: false,
});

// some only wait
const concurrency = 3;

test('what fails is told with its layer, derivation, log, cause and remedy', {
  concurrency,
}, async t => {
  const bench = await workbench(t);
  const { url, stop } = await serve(answer);
  t.after(stop);
  const cwd = await writeFailing(bench, url);
  const { nix, folder, emitted } = bench;
  const { recipe } = await evaluate(nix, asked(cwd, '.#all'));
  assert.ok(recipe);
  const built = namedTargets(recipe.layers).map(output =>
    t.test(`a build: ${output.name}`, async () => {
      const failing = builds[output.name];
      assert.ok(failing);
      const text = await toldOf(
        realise(await configured(nix, failing.conf ?? ''), [output], {
          rootsDirectory: join(folder, 'roots'),
          layerOf: () => 'layer3',
        }),
      );
      check(text, failing);
      assert.match(text, /nix log \/nix\/store\/\S+\.drv$/);
    }),
  );
  const evaluated = Object.entries(evaluations).map(([name, failing]) =>
    t.test(`an evaluation: ${name}`, async () => {
      const own = await configured(nix, failing.conf ?? '');
      const used = name === 'endless' ? await beginning(own, folder, 'ulimit -v 700000') : own;
      check(await toldOf(evaluate(used, asked(cwd, `.#${name}`, '.#default'))), failing);
    }),
  );
  await Promise.all([...built, ...evaluated]);
  await t.test('a Nix that the kernel kills has no words of its own', async () => {
    const killed = await beginning(nix, folder, 'case $1 in eval | --realise) kill -9 $$ ;; esac');
    const evaluated = await toldOf(evaluate(killed, asked(cwd, '.#all')));
    assert.match(evaluated, /^Why: likely: Evaluation needs more memory than there is\.$/m);
    const [output] = namedTargets(recipe.layers);
    assert.ok(output);
    const built = await toldOf(
      realise(killed, [output], { rootsDirectory: join(folder, 'roots') }),
    );
    assert.match(built, /^Why: likely: The machine has not enough memory/m);
  });
  await t.test('what is built while the flake is evaluated is told as it goes on', () => {
    const ofImports = emitted.flatMap(event =>
      'derivation' in event && event.derivation.endsWith('-imports.drv')
        ? [{ ...event, at: 0 }]
        : [],
    );
    const derivation = ofImports[0]?.derivation ?? '';
    const line = (text: string) => ({ type: 'build-log', derivation, line: text, at: 0 });
    assert.deepEqual(ofImports, [
      { type: 'build-start', derivation, machine: '', at: 0 },
      line('generating'),
      line('no python'),
      { type: 'build-end', derivation, failed: true, at: 0 },
    ]);
  });
});

test('where a flake is not what git has of it, that is told', async t => {
  const { nix, folder } = await workbench(t);
  const git = async (cwd: string, ...args: string[]) => {
    const named = ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args];
    assert.equal((await nix.host.run({ file: 'git', args: named, cwd, limit: 'none' })).code, 0);
  };
  const origin = join(folder, 'origin');
  await mkdir(origin);
  const flake = '{ outputs = { self }: { new = import ./new.nix; count = self.revCount; }; }';
  await writeFile(join(origin, 'flake.nix'), flake);
  await git(origin, 'init', '--quiet');
  await git(origin, 'add', '--all');
  await git(origin, 'commit', '--quiet', '-m', 'one');
  await git(origin, 'commit', '--quiet', '-m', 'two', '--allow-empty');
  await writeFile(join(origin, 'new.nix'), '1');
  await git(folder, 'clone', '--quiet', '--depth', '1', `file://${origin}`, 'clone');
  await mkdir(join(folder, 'empty'));
  const told = (cwd: string, installable: string) =>
    toldOf(evaluate(nix, asked(join(folder, cwd), installable)));

  check(await told('origin', '.#new'), {
    target: '',
    told: [/git knows, and new\.nix is not among them/, 'git add -N new.nix'],
  });
  check(await told('clone', '.#count'), {
    target: '',
    // 2.26 counts what is there
    told: [
      /likely: The checkout has the last commit alone|found the number \d/,
      /`fetch-depth: 0`|number/,
    ],
  });
  const revision = '0123456789012345678901234567890123456789';
  check(await told('clone', `git+file://${folder}/clone?rev=${revision}#count`), {
    target: '',
    told: ['The checkout has the last commit alone', '`fetch-depth: 0`'],
  });
  check(await told('empty', '.#comfyui'), {
    target: '',
    told: [`There is no flake.nix in ${folder}/empty.`, 'actions/checkout comes before'],
  });
});

test('of what is missing the nearest that are there are named', async t => {
  const { nix, folder } = await workbench(t);
  await writeFlake(folder, 'comfyui = 1; comfyui-cu130 = 1; layer0-base = 1;');
  const text = await toldOf(evaluate(nix, asked(join(folder, 'flake'), '.#comfyu', '.#default')));
  check(text, {
    target: '',
    told: ['The flake has no target .#comfyu, nor .#default.', 'Did you mean comfyui?'],
  });
});
