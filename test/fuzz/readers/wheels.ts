import fc from 'fast-check';
import { compareLocks } from '../../../src/wheels/changes.ts';
import { choose } from '../../../src/wheels/choose.ts';
import { type OfferedFile, readIndexPage } from '../../../src/wheels/index-page.ts';
import { suits } from '../../../src/wheels/local-version.ts';
import { allPins, formatLock, type Lock, parseLock, pinOf } from '../../../src/wheels/lock.ts';
import { readRelease } from '../../../src/wheels/releases.ts';
import { readRequirements } from '../../../src/wheels/requirements.ts';
import { readRefs } from '../../../src/wheels/sources/git.ts';
import { tagRank } from '../../../src/wheels/tags.ts';
import { isAllowed } from '../../../src/wheels/versions.ts';
import { parseWanted } from '../../../src/wheels/wanted.ts';
import { fileNameOf, parseWheelName } from '../../../src/wheels/wheel-name.ts';
import { mutatedJson, mutatedText } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.12' };
const want = {
  variant,
  wheel: {
    name: 'torch',
    versions: '==2.10.0',
    origin: { kind: 'index' as const, url: 'https://index.example' },
    ignoredRequirements: [],
  },
};
const source = 'https://index.example';

/** What prefetch does with the files of a page or of a release. */
function chooseAmong(files: readonly OfferedFile[]): unknown {
  const choice = choose(want, { kind: 'files', files, source }, undefined);
  return choice.kind === 'chosen' ? fileNameOf(choice.file.url) : choice.reason;
}

const wanted = `
cuda = ["cu128", "cu130"]
python = ["3.12"]
systems = ["x86_64-linux"]
index = "https://download.pytorch.org/whl/{cuda}"

[indexes]
pypi = "https://index.example/simple"

[wheels.torch]
version = "2.10.0"

[wheels.flash-attn]
release = "owner/flash-attn@v2.8"
ignore-requirements = ["torch"]

[wheels.nvidia-cublas]
index = "pypi"
version = ">=13,<14"
[[wheels.nvidia-cublas.except]]
cuda = "cu128"
skip = true

[sources.nodes]
url = "https://github.com/owner/nodes"
ref = "main"
package = true

[sources.scale]
version = "0.4.13"
index = "pypi"
`;

const pin = {
  version: '2.10.0+cu130',
  url: 'https://index.example/torch-2.10.0%2Bcu130-cp312-cp312-manylinux_2_28_x86_64.whl',
  hash: `sha256-${'A'.repeat(43)}=`,
  size: 900_000_000,
  source,
  digest: 'index',
  note: 'Nobody answered.',
} as const;
const lock: Lock = {
  version: 1,
  wheels: { 'x86_64-linux': { cu130: { cp312: { torch: pin, other: { ...pin, size: null } } } } },
  sources: {
    nodes: {
      url: 'https://github.com/owner/nodes',
      ref: 'main',
      rev: '0123456789'.repeat(4),
      hash: pin.hash,
      digest: 'download',
      buildRequires: ['setuptools'],
      requires: ['numpy>=1'],
    },
    scale: {
      url: 'https://index.example/scale-0.4.13.tar.gz',
      hash: pin.hash,
      size: 1,
      digest: 'index',
    },
  },
};

const file = {
  filename: 'torch-2.10.0+cu130-1-cp312-cp312-manylinux_2_28_x86_64.manylinux2014_x86_64.whl',
  url: '../../torch-2.10.0%2Bcu130-cp312-cp312-manylinux_2_28_x86_64.whl#sha256=00',
  hashes: { sha256: 'ab'.repeat(32) },
  size: 900_000_000,
  yanked: false,
  'requires-python': '>=3.10,<3.15',
  'core-metadata': { sha256: 'cd'.repeat(32) },
};
const page = {
  meta: { 'api-version': '1.1' },
  name: 'torch',
  files: [file, { ...file, size: null }],
};

const html = `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1">
<base href="https://index.example/simple/torch/"><title>Links for torch</title></head><body>
<h1>Links</h1><a href="${file.url}" data-requires-python="&gt;=3.10" data-core-metadata="sha256=${'ab'.repeat(32)}">
${file.filename}</a><br/>
<a href="torch-1.0-py3-none-any.whl" data-yanked="broken">torch-1.0-py3-none-any.whl</a></body></html>`;

const names = [
  'torch-2.10.0+cu130-cp312-cp312-manylinux_2_28_x86_64.whl',
  'flash_attn-2.8.3+cu13torch2.10cxx11abiTRUE-1build-cp38.cp39-abi3.none-linux_x86_64.whl',
  'Name.with-1!2.0rc1.post2.dev3-py2.py3-none-any.whl',
];

const metadata = `Metadata-Version: 2.4
Name: torchvision
Requires-Dist: torch (==2.10.0) ; platform_system == "Linux" and python_version >= "3.9"
Requires-Dist: numpy[extra] >=1.26,<3
Requires-Dist: pillow!=8.3.*,>=5.3.0; extra == 'x' or sys_platform != "win32"

Body
`;

const release = {
  tag_name: 'v2.8',
  assets: names.map(name => ({
    name,
    browser_download_url: `https://github.com/owner/x/releases/download/v2.8/${name}`,
    size: 1,
    digest: `sha256:${'ab'.repeat(32)}`,
  })),
};

const refs = ['refs/heads/main', 'refs/tags/v1', 'refs/tags/v1^{}']
  .map((ref, at) => `${String(at).repeat(40)}\t${ref}\n`)
  .join('');

export const readers = [
  fuzzed({
    name: 'wheels.toml',
    cases: mutatedText(wanted),
    broken: [
      '[indexes]\nconstructor = "https://x.example"\n',
      'cuda = ["cu130"]\npython = ["3.12"]\nindex = "constructor"\n[wheels.x]\n',
      'cuda = ["cu130"]\npython = ["3.12"]\n[wheels.constructor]\nversion = "1"\n',
      `cuda = ["cu130"]\npython = [${Array.from({ length: 5_000 }, (_, at) => `"3.${at}"`)}]`,
    ],
    read(text) {
      const { variants, wheels } = parseWanted(text, 'wheels.toml');
      return variants.map(wheels);
    },
  }),
  fuzzed({
    name: 'wheels.lock.json',
    cases: fc.oneof(mutatedJson(lock), mutatedText(formatLock(lock))),
    broken: [
      // the line of a mistake was looked for in each beginning of the text
      `[\n${'1,\n'.repeat(100_000)}x]`,
      JSON.stringify({ ...lock, wheels: '['.repeat(10) }),
    ],
    read(text) {
      const read = parseLock(text, 'wheels.lock.json');
      for (const { pin: each } of allPins(read)) {
        fileNameOf(each.url);
        isAllowed(each.version, '>=1');
        suits(each.version, variant, undefined);
      }
      pinOf(read, variant, 'constructor');
      compareLocks(read, lock);
      return formatLock(read);
    },
  }),
  fuzzed({
    name: 'a page of a package index in JSON',
    cases: mutatedJson(page),
    read: async text => chooseAmong(await readIndexPage(text, 'application/json', source)),
  }),
  fuzzed({
    name: 'a page of a package index in HTML',
    cases: mutatedText(html),
    broken: [
      // patterns that began anew at each of these took hours
      '<meta '.repeat(300_000),
      '<title'.repeat(300_000),
      '<i>'.repeat(100_000) + '</b>'.repeat(100_000),
      `<a ${Array.from({ length: 100_000 }, (_, at) => `a${at}`).join(' ')}>`,
    ],
    read: async text => chooseAmong(await readIndexPage(text, 'text/html', source)),
  }),
  fuzzed({
    name: 'the file name of a wheel',
    cases: mutatedText(...names),
    broken: [`a-1-${'p.'.repeat(50_000)}p-${'a.'.repeat(50_000)}a-any.whl`, 'a-1-../x-y-z.whl'],
    read(name) {
      const wheel = parseWheelName(name);
      return wheel && [tagRank(wheel, variant), suits(wheel.version, variant, '2.10.0')];
    },
  }),
  fuzzed({
    name: 'METADATA of a wheel',
    cases: mutatedText(metadata),
    broken: [
      `Requires-Dist: a${' '.repeat(100_000)}@`,
      `Requires-Dist: a; ${'\t '.repeat(50_000)}x`,
      'Requires-Dist: torch>1; __proto__ != "x"',
    ],
    read: text => readRequirements(text, variant),
  }),
  fuzzed({
    name: 'a release on GitHub',
    cases: mutatedJson(release),
    read(text) {
      const read = readRelease(JSON.parse(text));
      return read && chooseAmong(read.files);
    },
  }),
  fuzzed({ name: 'references of a Git server', cases: mutatedText(refs), read: readRefs }),
];
