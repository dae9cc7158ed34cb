import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GitHubContext, githubContext, type RunContext } from '../../../src/inputs/context.ts';
import type { RawInputs } from '../../../src/inputs/table.ts';
import { parseBuild } from '../../../src/inputs/verbs/build.ts';

const terminal: RunContext = {
  face: 'command-line',
  currentDirectory: '/somewhere',
  temporaryDirectory: '/private',
};

function action(event: string, head?: string): RunContext {
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REPOSITORY: 'o/comfy', GITHUB_SHA: 'abc' };
  const payload = { pull_request: { head: { repo: { full_name: head } } } };
  const github: GitHubContext = githubContext(env, payload);
  return { ...terminal, face: 'action', github };
}

const registry: RawInputs = { image: 'ghcr.io/o/comfy' };

test('the defaults of the command line', () => {
  assert.deepEqual(parseBuild({}, terminal), {
    nix: {
      installNix: 'auto',
      nixVersion: undefined,
      nixReleaseUrl: undefined,
      nixReleaseSha256: undefined,
    },
    conf: {
      lines: [],
      accessTokens: [],
      jobToken: undefined,
      trustedUsers: [],
      maxJobs: undefined,
      cores: undefined,
      place: 'run',
    },
    caches: {
      cudaCaches: true,
      substituters: [],
      publicKeys: [],
      cachix: { pull: [], push: [], filter: undefined, required: false },
      binaryCaches: [],
      signingKey: undefined,
      github: { use: 'auto', limit: 2 * 2 ** 30, save: true },
    },
    builders: undefined,
    reclaimDisk: 'auto',
    task: 'write',
    flake: undefined,
    layers: [],
    overrideInputs: [],
    acceptFlakeConfig: false,
    workingDirectory: '/somewhere',
    image: undefined,
    tags: [],
    labels: {},
    repositoryLabels: {},
    annotations: {},
    remarks: [],
    push: true,
    writeMemory: true,
    compareWith: [],
    credentials: { username: undefined, password: undefined, githubToken: undefined },
    fromFork: false,
    compression: 'zstd',
    reuse: true,
    cacheTag: undefined,
    cacheFrom: [],
    insecureRegistries: [],
    maxLayerSize: 2 ** 30,
    allTargets: false,
    audit: true,
    auditFailOn: 'never',
    limits: [],
    limitsMode: 'warn',
    forbidBuilds: [],
    unknownBuildTime: 0,
    dryRun: false,
    comment: 'auto',
    recordFile: undefined,
    temporaryDirectory: '/private',
  });
});

test('every input arrives', () => {
  const settings = parseBuild(
    {
      flake: './x#y',
      layers: 'a,b',
      'override-inputs': 'nixpkgs=github:o/n?ref=a,b\nfiles=path:/x',
      'working-directory': 'sub',
      image: '127.0.0.1:5000/comfy',
      tags: 'one\ntwo',
      labels: 'l=1',
      annotations: 'a=2',
      push: 'false',
      'registry-username': 'user',
      'registry-password': 'secret',
      'github-token': 'token',
      compression: 'none',
      record: 'r.json',
      'install-nix': 'release',
      'nix-version': '2.34.8',
      'nix-release-url': 'file:/x',
      'nix-release-sha256': 'a'.repeat(64),
      'accept-flake-config': 'true',
      reuse: 'false',
      'cache-tag': 'memory',
      'cache-from': 'type=registry,ref=ghcr.io/o/x:y\nghcr.io/o/z:y',
      'max-layer-size': '512MiB',
      'all-targets': 'true',
    },
    terminal,
  );
  assert.deepEqual(settings.overrideInputs, [
    { input: 'nixpkgs', flake: 'github:o/n?ref=a,b' },
    { input: 'files', flake: 'path:/x' },
  ]);
  assert.deepEqual(settings.nix, {
    installNix: 'release',
    nixVersion: '2.34.8',
    nixReleaseUrl: 'file:/x',
    nixReleaseSha256: 'a'.repeat(64),
  });
  assert.deepEqual(settings.credentials, {
    username: 'user',
    password: 'secret',
    githubToken: 'token',
  });
  const { flake, layers, workingDirectory, tags, labels, annotations } = settings;
  assert.deepEqual(
    { flake, layers, workingDirectory, tags, labels, annotations },
    {
      flake: './x#y',
      layers: ['a', 'b'],
      workingDirectory: '/somewhere/sub',
      tags: ['one', 'two'],
      labels: { l: '1' },
      annotations: { a: '2' },
    },
  );
  const { compression, recordFile, reuse, cacheTag, cacheFrom, allTargets, push } = settings;
  assert.equal(settings.acceptFlakeConfig, true);
  assert.equal(settings.maxLayerSize, 512 * 2 ** 20);
  assert.deepEqual(
    { compression, recordFile, reuse, cacheTag, cacheFrom, allTargets, push },
    {
      compression: 'none',
      recordFile: '/somewhere/r.json',
      reuse: false,
      cacheTag: 'memory',
      cacheFrom: ['ghcr.io/o/x:y', 'ghcr.io/o/z:y'],
      allTargets: true,
      push: false,
    },
  );
  assert.match(settings.pushRefusal ?? '', /input push is false/);
});

test('a push links the package, and what changes per commit is an annotation only', () => {
  const settings = parseBuild(registry, action('push'));
  const source = { 'org.opencontainers.image.source': 'https://github.com/o/comfy' };
  assert.deepEqual([settings.labels, settings.repositoryLabels], [{}, source]);
  assert.deepEqual(settings.annotations, {
    ...source,
    'org.opencontainers.image.revision': 'abc',
  });
  assert.equal(settings.push, true);
  assert.equal(settings.writeMemory, true);
});

test('a pull request pushes only when told to, and never writes the memory', () => {
  const silent = parseBuild(registry, action('pull_request', 'o/comfy'));
  assert.equal(silent.push, false);
  assert.match(silent.pushRefusal ?? '', /pull request/);
  const told = parseBuild({ ...registry, push: 'true' }, action('pull_request', 'o/comfy'));
  assert.deepEqual([told.push, told.pushRefusal, told.writeMemory], [true, undefined, false]);
});

test('code from a fork gets no credentials and no write, whatever the workflow says', () => {
  const raw: RawInputs = {
    ...registry,
    push: 'true',
    'registry-username': 'user',
    'registry-password': 'secret',
    'github-token': 'token',
  };
  for (const event of ['pull_request', 'pull_request_target']) {
    const settings = parseBuild(raw, action(event, 'other/comfy'));
    assert.deepEqual([settings.credentials, settings.fromFork], [{ anonymous: true }, true]);
    assert.deepEqual([settings.push, settings.writeMemory], [false, false]);
    assert.match(settings.pushRefusal ?? '', /other\/comfy, not from o\/comfy/);
  }
});

test('an image on this machine is written also by a fork', () => {
  const settings = parseBuild({ image: 'oci:out' }, action('pull_request', 'other/comfy'));
  assert.deepEqual([settings.push, settings.writeMemory], [true, true]);
});

const wrong: [raw: RawInputs, message: RegExp][] = [
  [{ compression: 'lz4' }, /Input compression: expected zstd, gzip, none; found "lz4"/],
  [{ 'install-nix': 'yes' }, /Input install-nix: expected auto, release/],
  [{ 'nix-version': 'latest' }, /Input nix-version: .*"latest"/],
  [{ 'nix-release-sha256': 'abc' }, /Input nix-release-sha256: .*"abc"/],
  [{ reuse: 'no' }, /Input reuse: expected true or false; found "no"/],
  [{ 'cache-tag': 'a b' }, /Input cache-tag: a registry cannot hold the tag "a b"/],
  [{ 'cache-from': 'type=gha,scope=x' }, /Input cache-from: .*type=gha/],
  [{ 'cache-from': 'https://ghcr.io/o/x' }, /Input cache-from: expected a repository.*https:/],
  [{ 'cache-from': 'ghcr.io/o/x:a+b' }, /Input cache-from: a registry cannot hold the tag/],
  [{ 'max-layer-size': '1GB' }, /Input max-layer-size: .*"1GB"/],
  [{ 'max-layer-size': '0' }, /Input max-layer-size: .*"0"/],
  [{ 'override-inputs': 'nixpkgs' }, /Input override-inputs: .*"nixpkgs"/],
  [{ 'registry-username': 'user' }, /Input registry-password: it is empty/],
  [{ 'registry-password': 'secret' }, /Input registry-username: it is empty/],
  [{ 'nix-release-url': 'mirror.example' }, /Input nix-release-url: it is not an address/],
  [{ tags: 'feature/x' }, /Input tags: .*"feature\/x"/],
  [{ tags: 'a', 'cache-tag': 'a' }, /Input cache-tag: the tag a is where the memory is kept/],
  [{ image: '-' }, /Input image: "-" is standard output, and here that takes no image/],
  [{ 'cachix-push': 'required' }, /Input cachix-push: there is no cache in `cachix-name`/],
];

for (const [raw, message] of wrong) {
  test(`wrong usage is named: ${Object.keys(raw).join()}`, () => {
    assert.throws(() => parseBuild(raw, terminal), { message, exitCode: 2 });
  });
}

test('a wrong password is not repeated in the error', () => {
  assert.throws(
    () => parseBuild({ 'registry-password': 'hunter2' }, terminal),
    (error: Error) => !error.message.includes('hunter2'),
  );
});

test('an image that is to be pushed has to be named in a workflow, and before anything is done', () => {
  const missing = { message: /^Input image: it is missing/, exitCode: 2 };
  assert.throws(() => parseBuild({}, action('push')), missing);
  assert.throws(() => parseBuild({ push: 'true' }, action('pull_request', 'o/comfy')), missing);
  assert.throws(() => parseBuild({ tags: 'a' }, action('push')), missing);
  assert.equal(parseBuild({ push: 'false' }, action('push')).image, undefined);
  assert.equal(parseBuild({}, action('pull_request', 'o/comfy')).push, false);
  assert.equal(parseBuild({ tags: 'ghcr.io/o/x:a' }, action('push')).image, 'ghcr.io/o/x');
});

test('an image goes to standard output where a program or a file takes it', () => {
  assert.equal(parseBuild({ image: '-' }, { ...terminal, takesImage: true }).image, '-');
});

test('memories to learn from are named by tag, by digest, or by neither', () => {
  const references = [
    'ghcr.io/O/x:y',
    `o/x@sha256:${'0'.repeat(64)}`,
    '127.0.0.1:5000/x',
    '[::1]:5000/x:y',
  ];
  const settings = parseBuild({ 'cache-from': references.join('\n') }, terminal);
  assert.deepEqual(settings.cacheFrom, references);
});

test('what only a set-up does is nothing to a build', () => {
  assert.equal(parseBuild({ undo: 'true', check: 'true' }, terminal).task, 'write');
});
