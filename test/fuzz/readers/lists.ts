import { meaningOf } from '../../../src/wheels/lists/line.ts';
import { linesOf } from '../../../src/wheels/lists/lines.ts';
import { buildRequirements, dependenciesIn } from '../../../src/wheels/lists/project.ts';
import { factsOf, holds } from '../../../src/wheels/markers.ts';
import { readPylock } from '../../../src/wheels/resolve/pylock.ts';
import { needsOfNode, needsOfPackage } from '../../../src/wheels/sources/needs.ts';
import { readToml } from '../../../src/wheels/toml.ts';
import { mutatedText } from '../mutations.ts';
import { fuzzed } from '../reader.ts';

const variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.13' };

const list = `# ComfyUI's
torch>=2.10,<3 ; python_version < "3.14" and (sys_platform == "linux" or extra == 'x')
qrcode[pil] == 8.0 \\
  --hash=sha256:${'ab'.repeat(32)}
-r other.txt
--extra-index-url https://index.example/simple
git+https://git.example/owner/node.git@v1#egg=node
direct @ https://index.example/direct-1.0-py3-none-any.whl#sha256=${'cd'.repeat(32)}
`;

const project = `[project]
name = "mine"
dependencies = ["torch>=2", "numpy"]
[build-system]
requires = ["setuptools>=61; python_version >= '3.9'", "wheel"]
`;

const pylock = `lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.13"

[[packages]]
name = "torch"
version = "2.10.0"
marker = "sys_platform == 'linux'"
index = "https://index.example/simple"
wheels = [{ url = "https://index.example/torch-2.10.0-cp313-cp313-manylinux_2_28_x86_64.whl", size = 1, hashes = { sha256 = "${'ab'.repeat(32)}" } }]

[[packages]]
name = "direct"
archive = { url = "https://index.example/direct-1.0-py3-none-any.whl", hashes = {} }

[[packages]]
name = "here"
directory = { path = "." }
`;

const eggList =
  'numpy>=1\\n# so\\n\\n[all]\\nRequires-Dist: b\\n[:python_version < "3"]\\nc [x] ~=1.0\\n';

export const readers = [
  fuzzed({
    name: 'a requirements list',
    cases: mutatedText(list),
    broken: [
      `a[${' '.repeat(100_000)}`,
      `a;${'('.repeat(900)}os_name == "posix"`,
      'git+https://',
      'git+https://h:99999/x',
      'https://h.example/%ff-1-py3-none-any.whl',
      `a @ ${'x@'.repeat(450)}`,
    ],
    read(text) {
      const facts = factsOf(variant, ['x']);
      return linesOf(text).map(({ number, text: line }) => {
        const meaning = meaningOf(line, `list.txt:${number}`);
        return meaning.kind === 'requirement' ? holds(meaning.asked.marker, facts) : meaning;
      });
    },
  }),
  fuzzed({
    name: 'a pyproject.toml',
    cases: mutatedText(project),
    broken: ['project = 1', '[project]\ndependencies = [1, "x"]', 'build-system = "x"'],
    read(text) {
      const read = readToml(text);
      return ['tables' in read && dependenciesIn(read.tables), buildRequirements(text)];
    },
  }),
  fuzzed({
    name: "what a source's files say that it needs",
    cases: mutatedText(eggList),
    broken: ['[', '[[x]]\na', '\\\n[:\n'],
    read: text => [
      needsOfPackage({ eggList: text, project: text }),
      needsOfPackage({ metadata: text, list: text }),
      needsOfNode({ list: text }),
    ],
  }),
  fuzzed({
    name: 'pylock.toml',
    cases: mutatedText(pylock),
    broken: [
      'lock-version = "1.0"\nrequires-python = "x"',
      'lock-version = "1.0"\n[[packages]]\nname = "a"\nwheels = [{ url = "file:///x.whl" }]',
    ],
    read: text => readPylock(text, 'pylock.toml', variant),
  }),
];
