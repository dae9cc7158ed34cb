import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditOf, nixpkgs, outPath } from './image.ts';

const named = (audit: ReturnType<typeof auditOf>) =>
  audit.packages.map(({ name, layer, source }) => `${layer} ${name} ${source}`);
const rules = (audit: ReturnType<typeof auditOf>) => audit.findings.map(({ rule }) => rule);

test('a package is counted in the first layer that has it, and tools are not', () => {
  const audit = auditOf({
    layer0: { inputs: ['python'], env: { buildCommand: `ln -s ${outPath('python')}` } },
    layer1: {
      inputs: ['python3.12-numpy-2.3', 'cmake'],
      env: { nativeBuildInputs: outPath('cmake') },
    },
    'python3.12-numpy-2.3': nixpkgs('Num_Py', '2.3', ['python']),
    python: nixpkgs('python3', '3.12'),
    cmake: nixpkgs('cmake', '4.1'),
  });
  assert.deepEqual(named(audit), ['layer0 python3 nixpkgs', 'layer1 num-py nixpkgs']);
});

test('structured attributes are read like any other', () => {
  const json = JSON.stringify({
    pname: 'python3',
    version: '3.12',
    nativeBuildInputs: [outPath('cmake')],
    outputs: { out: outPath('python') },
  });
  const audit = auditOf({
    layer0: { inputs: ['python'] },
    python: { inputs: ['cmake'], origin: 'nixpkgs', env: { __json: json } },
    cmake: nixpkgs('cmake', '4.1'),
  });
  assert.deepEqual(named(audit), ['layer0 python3 nixpkgs']);
});

test('what a package fetches is part of it; what a script fetches is a package', () => {
  const fetch = (url: string) => ({
    env: { urls: url, outputHash: 'sha256-x', outputHashMode: 'flat' },
  });
  const audit = auditOf({
    layer0: { inputs: ['tool', 'wheel.whl', 'torch-bin', 'sam2'] },
    tool: { ...nixpkgs('tool', '1'), inputs: ['tool.tar.gz'] },
    'tool.tar.gz': fetch('https://example.org/tool-1.tar.gz'),
    'wheel.whl': fetch('https://example.org/einops-0.8.1-py3-none-any.whl'),
    'torch-bin': { ...nixpkgs('torch-bin', '2.10.0'), inputs: ['torch.whl'] },
    'torch.whl': fetch('https://example.org/torch-2.10.0-cp312-cp312-linux_x86_64.whl'),
    sam2: fetch('https://github.com/facebookresearch/sam2/archive/v1.tar.gz'),
  });
  assert.deepEqual(named(audit), [
    'layer0 einops wheel',
    'layer0 sam2 source',
    'layer0 tool nixpkgs',
    'layer0 torch-bin wheel',
  ]);
});

test('minor versions of CUDA differ; a bare major version fits to each', () => {
  const wheel = (file: string) => ({
    env: { urls: `https://example.org/${file}`, outputHash: 'x' },
  });
  const torch = wheel('torch-2.10.0%2Bcu130-cp312-cp312-linux_x86_64.whl');
  const flash = wheel('flash_attn-2.8.3%2Bcu13torch2.10-cp312-cp312-linux_x86_64.whl');
  const one = auditOf({
    layer0: { inputs: ['torch', 'flash', 'cudart'] },
    torch,
    flash,
    cudart: nixpkgs('cuda_cudart', '13.0.90'),
  });
  assert.deepEqual(rules(one), []);
  const minor = auditOf({
    layer0: { inputs: ['torch', 'cudart'] },
    torch,
    cudart: nixpkgs('cuda13.2-cuda_cudart', '13.2.10'),
  });
  assert.deepEqual(
    minor.findings.map(({ severity }) => severity),
    ['warning'],
  );
  const major = auditOf({
    layer0: { inputs: ['torch', 'cupy'] },
    torch,
    cupy: wheel('cupy_cuda12x-14.0-cp312-cp312-linux_x86_64.whl'),
  });
  assert.deepEqual(
    major.findings.map(({ severity }) => severity),
    ['error'],
  );
});

test('secrets are told by name and by form; files, switches and references are none', () => {
  const findings = (Env: string[]) => auditOf({ layer0: {} }, { User: '1000', Env }).findings;
  for (const variable of [
    'HF_TOKEN=abc',
    'AWS_SECRET_ACCESS_KEY=abc',
    'DATABASE_PASSWORD=abc',
    'OPENAI_API_KEY=abc',
    `ANYTHING=ghp_${'a'.repeat(36)}`,
    'INDEX=https://user:abc@example.org/simple',
    'PEM=-----BEGIN RSA PRIVATE KEY-----',
  ]) {
    const [finding, ...more] = findings([variable]);
    assert.equal(finding?.rule, 'secret-in-environment', variable);
    assert.deepEqual(more, []);
    assert.ok(!JSON.stringify(finding).includes(variable.slice(variable.indexOf('=') + 1)));
  }
  for (const variable of [
    'TOKENIZERS_PARALLELISM=false',
    'HF_TOKEN_FILE=/run/secrets/hf',
    'HF_TOKEN=',
    'USE_TOKEN=true',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the container
    'DATABASE_PASSWORD=${PASSWORD}',
    'SSH_KEY_PATH=/root/.ssh',
    'INDEX=https://example.org:8080/simple@1',
    'PATH=/bin:/usr/bin',
  ]) {
    assert.deepEqual(findings([variable]), [], variable);
  }
});

test('a user with a name or a number is no root', () => {
  const isRoot = (User?: string) =>
    rules(auditOf({ layer0: {} }, User === undefined ? {} : { User })).includes('runs-as-root');
  assert.deepEqual(
    [undefined, '', '0', 'root', '0:0', 'root:users'].map(isRoot),
    Array(6).fill(true),
  );
  assert.deepEqual(['1000', '1000:0', 'comfy', 'rootless'].map(isRoot), Array(4).fill(false));
});

test('a compiler is a leftover unless something compiles at run time', () => {
  const paths = [
    'gcc-wrapper-14.3.0',
    'binutils-2.45',
    'glibc-2.42-dev',
    'glibc-2.42',
    'gcc-14-lib',
  ];
  const closures = new Map([
    ['layer0', paths.map(name => ({ path: outPath(name), narSize: 2_000_000 }))],
  ]);
  const messages = (config: object) =>
    auditOf({ layer0: {} }, { User: '1000', ...config }, { closures }).findings.map(f => f.message);
  assert.deepEqual(messages({}), [
    'layer0 holds compilers, 4 MB: gcc-wrapper-14.3.0, binutils-2.45.',
    'layer0 holds headers, 2 MB: glibc-2.42-dev.',
  ]);
  assert.deepEqual(messages({ Env: ['CC=/bin/gcc'] }), []);
});

test('a script that a build runs is a build’s; the entry point and what it calls are a start’s', () => {
  const text = (content: string, destination: string) => ({ env: { text: content, destination } });
  const audit = auditOf(
    {
      layer0: {
        inputs: ['build.sh', 'start', 'setup', 'unused'],
        env: { buildCommand: `bash ${outPath('build.sh')}` },
      },
      'build.sh': text('pip install a', ''),
      start: text('[ -e x ] || setup', '/bin/start'),
      setup: text('pip install b', '/bin/setup'),
      unused: text('pip install c', '/bin/unused'),
    },
    { User: '1000', Entrypoint: ['/bin/start'] },
  );
  assert.deepEqual(named(audit), ['layer0 a build-network', 'layer0 b start-network']);
});
