import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LineMeaning, meaningOf } from '../../../src/wheels/lists/line.ts';
import { linesOf } from '../../../src/wheels/lists/lines.ts';
import { readSnapshot } from '../../../src/wheels/lists/snapshot.ts';
import { factsOf, holds } from '../../../src/wheels/markers.ts';
import { parseRequirement } from '../../../src/wheels/requirements.ts';
import type { WantedSource } from '../../../src/wheels/wanted/source.ts';

const facts = factsOf({ system: 'x86_64-linux', cuda: 'cu130', python: '3.13' }, ['Pil_x']);

test('lines of any system, continued and commented', () => {
  const text = '\uFEFF# first\r\na==1 # why\r\n\r\nb \\\r\n  >=2\r\nc#egg\rd \\\n# comment\ne\\';
  assert.deepEqual(linesOf(text), [
    { number: 2, text: 'a==1' },
    { number: 4, text: 'b   >=2' },
    { number: 6, text: 'c#egg' },
    { number: 7, text: 'd' },
    { number: 9, text: 'e' },
  ]);
});

test('requirements, as PEP 508 has them', () => {
  const shown = (text: string) => {
    const { name, extras, versions, url, marker } = parseRequirement(text) ?? {};
    return [name, extras?.join(), versions, url, marker];
  };
  assert.deepEqual(shown('A.b_C [x, Y] (>=1,<2) ; os_name == "nt"'), [
    ...['a-b-c', 'x,y', '>=1,<2', undefined, 'os_name == "nt"'],
  ]);
  assert.deepEqual(shown('a@https://h/a;b.whl ; extra == "x"'), [
    ...['a', '', '', 'https://h/a;b.whl', 'extra == "x"'],
  ]);
  for (const wrong of ['', '==1', 'a b', 'a[x', 'a[x y]', 'a ==', 'a >= 1 <', 'a-', '-a']) {
    assert.equal(parseRequirement(wrong), undefined, wrong);
  }
});

test('markers hold, do not hold, or are none', () => {
  const cases: [string, boolean | undefined][] = [
    ['', true],
    ['python_version >= "3.9"', true],
    ['python_version < "3.9" or sys_platform == "linux"', true],
    ['python_version < "3.9" or sys_platform == "linux" and os_name == "nt"', false],
    ['(python_version < "3.9" or sys_platform == "linux") and os_name == "nt"', false],
    ['"lin" in sys_platform', true],
    ['platform_machine not in "arm64 aarch64"', true],
    ['python_full_version == "3.13.*"', true],
    ['python_version ~= "3.12"', true],
    ['extra == "pil-x"', true],
    ['extra != "PIL.x"', false],
    ["'other' == extra", false],
    ['platform.machine == "x86_64"', true],
    ['python_version', undefined],
    ['python_version >= ', undefined],
    ['"a" == "a"', undefined],
    ['nothing == "a"', undefined],
    ['os_name == "posix" )', undefined],
    ['( os_name == "posix"', undefined],
    ['os_name = "posix"', undefined],
  ];
  for (const [marker, expected] of cases) assert.equal(holds(marker, facts), expected, marker);
});

/** The kind of a line, with what says most about it. */
function shown(meaning: LineMeaning): string {
  switch (meaning.kind) {
    case 'requirement':
      return `${meaning.asked.name}${meaning.asked.versions} ${meaning.asked.hashes.length}`;
    case 'source':
      return shownSource(meaning.source);
    case 'list':
      return `${meaning.file} ${meaning.constrains}`;
    case 'index':
      return meaning.url;
    case 'nothing':
      return 'nothing';
    case 'problem':
      return `! ${meaning.why}`;
  }
}

function shownSource(source: WantedSource): string {
  if (source.kind === 'git') return `${source.name} ${source.url} ${source.ref}`;
  const { from } = source;
  const hash = 'sha256' in from && from.sha256 !== undefined ? ' with its hash' : '';
  return `${source.name} ${'url' in from ? from.url : from.version}${hash}`;
}

test('what lines mean', () => {
  const hex = 'a'.repeat(64);
  const cases: [string, string | RegExp][] = [
    ['Pillow>=1', 'pillow>=1 0'],
    [`a==1 --hash=sha256:${hex} --hash=sha512:00`, 'a==1 1'],
    [`https://h.example/a_b-1.0-py3-none-any.whl#sha256=${hex}`, 'a-b 1'],
    ['a @ https://h.example/b-1.0-py3-none-any.whl', /^! the file is b's; write b @/],
    [
      `a @ https://h.example/v1.tar.gz#sha256=${hex}`,
      'a https://h.example/v1.tar.gz with its hash',
    ],
    ['https://h.example/A_b-1.0.zip', 'a-b https://h.example/A_b-1.0.zip'],
    ['https://h.example/v1.zip', /^! the file does not tell its project; write NAME @/],
    ['a @ https://h.example/a.exe', /^! it is neither a wheel nor a source archive/],
    ['git+https://h.example/o/Some_Node.git', 'some-node https://h.example/o/Some_Node.git HEAD'],
    ['git+https://h.example/o/n@v1#egg=real', 'real https://h.example/o/n v1'],
    ['name[x] @ git+ssh://git@h.example/o/n.git@abc', 'name ssh://git@h.example/o/n.git abc'],
    ['-e git+https://h.example/o/n', /^! .*without it/],
    ['git+https://h.example/o/n#subdirectory=x', /^! only a part/],
    ['hg+https://h.example/o/n', /^! of repositories only Git/],
    ['-r other.txt', 'other.txt false'],
    ['-rother.txt', 'other.txt false'],
    ['--constraint="c.txt"', 'c.txt true'],
    ['-r https://h.example/x.txt', /^! a list at an address/],
    ['--extra-index-url=https://h.example/simple/', 'https://h.example/simple'],
    ['--index-url https://h.example/simple', /^! write package-index = "https:/],
    ['--find-links dir', /^! name the file itself/],
    ['--prefer-binary', 'nothing'],
    ['--pre', /^! --pre is not known/],
    ['./local.whl', /^! a file of one machine/],
    ['a @ file:///x.whl', /^! a file of one machine/],
    [`$\{HOME}/x.whl`, /^! environment variables/],
    ['--extra-index-url https://me:secret@h.example/', /^! it holds a password/],
    ['a --config-settings=x', /^! --config-settings=x is for what is built/],
    ['a==', /^! it is no requirement/],
  ];
  for (const [line, expected] of cases) {
    const found = shown(meaningOf(line, 'list.txt:1'));
    if (typeof expected === 'string') assert.equal(found, expected, line);
    else assert.match(found, expected, line);
  }
});

test("ComfyUI-Manager's snapshot: commits of what is switched on, and its packages", () => {
  const hash = 'ab'.repeat(20);
  const snapshot = {
    comfyui: hash,
    git_custom_nodes: {
      'https://git.example/o/Some_Node.git': { hash, disabled: false },
      'https://git.example/o/off': { hash, disabled: true },
      'git@git.example:o/ssh': { hash, disabled: false },
    },
    cnr_custom_nodes: { registered: '1.0' },
    file_custom_nodes: [{ filename: 'one.py', disabled: true }],
    pips: { 'einops==0.8.2': '' },
  };
  const read = readSnapshot(JSON.stringify(snapshot), 'snapshot.json');
  assert.deepEqual(
    read?.sources.map(source => [shownSource(source), source.kind === 'git' && source.isPackage]),
    [
      [`comfyui https://github.com/Comfy-Org/ComfyUI ${hash}`, false],
      [`some-node https://git.example/o/Some_Node.git ${hash}`, false],
    ],
  );
  assert.deepEqual(read?.lines, ['einops==0.8.2']);
  assert.deepEqual(
    read?.problems.map(problem => problem.split(': ')[1]),
    ['git@git.example:o/ssh', 'registered'],
  );
  for (const other of ['', '[]', '{"comfyui": "main"}']) {
    assert.equal(readSnapshot(other, 'snapshot.json'), undefined, other);
  }
});
