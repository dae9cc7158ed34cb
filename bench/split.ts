/**
 * Bytes sent again after realistic changes of a closure, for ways to split it into layers.
 * Run with: node bench/split.ts
 */
import { createHash } from 'node:crypto';
import { type SizedPath, splitPaths } from '../src/image/split.ts';

const mebibyte = 2 ** 20;

/** Sizes in MiB of the large packages of a CUDA, PyTorch and ComfyUI closure. */
const largePackages: Record<string, number> = {
  'python3.12-torch': 1550,
  'cudnn-lib': 1180,
  'cuda_libcublas-lib': 870,
  'libcusparse-lib': 490,
  'libcufft-lib': 290,
  'libcusolver-lib': 380,
  'nccl-lib': 340,
  'libcurand-lib': 130,
  'python3.12-triton': 620,
  'python3.12-xformers': 310,
  'python3.12-opencv': 180,
  'llvm-lib': 140,
  'python3.12-scipy': 110,
  'python3.12-transformers': 95,
  python3: 120,
  'glibc-locales': 220,
};
const bytecodeSize = 77;

/** Deterministic numbers in [0, 1). */
const fraction = (text: string) => createHash('md5').update(text).digest().readUInt32BE() / 2 ** 32;

/** What the layered template takes as wheels: fixed outputs, which refer to nothing. */
const wheels = new Set(
  Object.keys(largePackages).filter(name =>
    /torch|triton|xformers|opencv|^cu|^lib|^nccl/.test(name),
  ),
);

/** What their modules are compiled to there, in one path. */
const bytecode = 'bytecode';

const smallNames = Array.from({ length: 420 }, (_, index) => `python3.12-library${index}`);

const storePath = (name: string, version: number): string => {
  const hash = createHash('md5').update(`${name}${version}`).digest('hex');
  return `/nix/store/${hash}-${name}-${version}.0`;
};

/** Versions by package name; the small ones' sizes are spread from 10 kB to 30 MB. */
type Closure = ReadonlyMap<string, number>;

const sizeOf = (name: string) =>
  Math.round(
    (name === bytecode ? bytecodeSize : (largePackages[name] ?? 0.01 * 3000 ** fraction(name))) *
      mebibyte,
  );

const pathsOf = (closure: Closure): SizedPath[] =>
  [...closure].map(([name, version]) => ({
    path: storePath(name, version),
    narSize: sizeOf(name),
  }));

const start: Closure = new Map(
  [...Object.keys(largePackages), ...smallNames].map(name => [name, 1]),
);

const bump = (closure: Closure, names: readonly string[]) =>
  new Map([...closure, ...names.map(name => [name, (closure.get(name) ?? 0) + 1] as const)]);

const without = (closure: Closure, names: readonly string[]) =>
  new Map([...closure].filter(([name]) => !names.includes(name)));

const namesIn = (closure: Closure, choose: (name: string) => boolean) =>
  [...closure.keys()].filter(choose);

/** What else moves with packages: all that refers to them, or the bytecode alone. */
const withUsers = (closure: Closure, names: readonly string[], users: readonly string[]) =>
  bump(closure, closure.has(bytecode) ? names : [...names, ...users]);

const moves = (closure: Closure) => (name: string) => !closure.has(bytecode) || !wheels.has(name);

/** What happens to a closure over some weeks; each step builds on the one before. */
const steps: [string, (closure: Closure) => Closure][] = [
  ['one small package gets a new version', c => bump(c, ['python3.12-library7'])],
  ['one package added', c => bump(c, ['python3.12-added'])],
  ['one small package is removed', c => without(c, ['python3.12-library100'])],
  ['five small packages get new versions', c => bump(c, smallNames.slice(20, 25))],
  ['a package of 95 MiB gets a new version', c => bump(c, ['python3.12-transformers'])],
  [
    'ten small packages are added',
    c =>
      bump(
        c,
        smallNames.slice(0, 10).map(name => `${name}-x`),
      ),
  ],
  ['forty small packages get new versions', c => bump(c, smallNames.slice(200, 240))],
  ['nixpkgs moved, same versions', c => bump(c, namesIn(c, moves(c)))],
  [
    'Python patch release',
    c =>
      bump(
        c,
        namesIn(c, name => /^(python|bytecode)/.test(name) && moves(c)(name)),
      ),
  ],
  ['cuDNN bump', c => withUsers(c, ['cudnn-lib'], ['python3.12-torch', 'python3.12-xformers'])],
  [
    'new PyTorch',
    c =>
      bump(
        c,
        namesIn(c, name => /torch|triton|xformers|^bytecode/.test(name)),
      ),
  ],
];

type Split = (paths: SizedPath[]) => SizedPath[][];

/** As nixpkgs' default layering: the largest paths alone, the rest together in the last layer. */
const sizeFirst =
  (layers: number): Split =>
  paths => {
    const sorted = [...paths].sort((a, b) => b.narSize - a.narSize);
    const alone = sorted.slice(0, layers - 1).map(path => [path]);
    return [...alone, sorted.slice(layers - 1)];
  };

/** Largest first into the first layer that has room. */
const firstFit =
  (size: number): Split =>
  paths => {
    const groups: { total: number; paths: SizedPath[] }[] = [];
    for (const path of [...paths].sort((a, b) => b.narSize - a.narSize)) {
      const group = groups.find(({ total }) => total + path.narSize <= size);
      if (group) {
        group.total += path.narSize;
        group.paths.push(path);
      } else groups.push({ total: path.narSize, paths: [path] });
    }
    return groups.map(group => group.paths);
  };

const gibibyte = 1024 * mebibyte;
/** As the layered template's recipe has them: each wheel is a target, and so is the bytecode. */
const byTarget: Split = paths => {
  const isTarget = ({ path }: SizedPath) =>
    wheels.has(path.slice(44, -4)) || path.includes(bytecode);
  const others = paths.filter(path => !isTarget(path));
  return [...paths.filter(isTarget).map(path => [path]), ...splitPaths(others, gibibyte, 100)];
};

const ways: Record<string, Split> = {
  'wheels as they are': byTarget,
  'by name, 1 GiB': paths => splitPaths(paths, gibibyte, 100),
  'by name, 512 MiB': paths => splitPaths(paths, gibibyte / 2, 100),
  'by name, 4 GiB': paths => splitPaths(paths, 4 * gibibyte, 100),
  'size first, 100': sizeFirst(100),
  'size first, 40': sizeFirst(40),
  'first fit, 1 GiB': firstFit(gibibyte),
  'one layer': paths => [paths],
};

const identity = (group: SizedPath[]) =>
  group
    .map(({ path }) => path)
    .sort()
    .join(' ');

const sum = (paths: SizedPath[]) => paths.reduce((total, { narSize }) => total + narSize, 0);

/** Only wheels that are left as they came have their bytecode beside them. */
const startOf = (split: Split): Closure =>
  split === byTarget ? new Map([...start, [bytecode, 1]]) : start;

function resent(split: Split, before: Closure, after: Closure): number {
  const known = new Set(split(pathsOf(before)).map(identity));
  return sum(
    split(pathsOf(after))
      .filter(group => !known.has(identity(group)))
      .flat(),
  );
}

function table(): string {
  const header = ['MiB sent again', ...Object.keys(ways)];
  const totals = Object.keys(ways).map(() => 0);
  const rows: string[][] = [];
  const closures = Object.values(ways).map(startOf);
  for (const [name, change] of steps) {
    const cells = Object.values(ways).map((split, index) => {
      const before = closures[index] ?? start;
      const after = change(before);
      closures[index] = after;
      const bytes = resent(split, before, after);
      totals[index] = (totals[index] ?? 0) + bytes;
      return (bytes / mebibyte).toFixed(0);
    });
    rows.push([name, ...cells]);
  }
  rows.push(['**all**', ...totals.map(total => (total / mebibyte).toFixed(0))]);
  rows.push([
    'layers',
    ...Object.values(ways).map(split => String(split(pathsOf(startOf(split))).length)),
  ]);
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

const total = sum(pathsOf(start)) / mebibyte;
console.log(`${start.size} paths, ${total.toFixed(0)} MiB\n`);
console.log(table());
