import { isExecutable, type NamedEntry } from './entries.ts';
import { refused } from './refused.ts';

/** A file of a wheel's tree. */
export interface TreeFile {
  /** From the tree's root: "torch/lib/libc10.so". */
  path: string;
  isExecutable: boolean;
  /** An entry's bytes, those as a script of the image, or a text that is made here. */
  content: { of: 'entry' | 'script'; entry: NamedEntry } | { of: 'text'; text: string };
}

/** Where the files of a wheel go. */
export interface Layout {
  files: TreeFile[];
  /** Folders of the wheel that its tree lacks. */
  leftOut: string[];
}

/** Puts the entries of a wheel where `pip install --target` has them. @throws Failure */
export function layOut(entries: readonly NamedEntry[]): Layout {
  const leftOut = new Set<string>();
  const files = entries.flatMap(entry => {
    const [top = '', category = '', ...rest] = entry.name.split('/');
    if (!top.endsWith('.data')) return plain(entry.name, entry);
    if (rest.length === 0) throw refused(entry.name, 'it is in no folder of a category of data');
    const path = rest.join('/');
    if (['purelib', 'platlib', 'data'].includes(category)) return plain(path, entry);
    if (category === 'scripts') return script(`bin/${path}`, entry);
    if (category !== 'headers') {
      throw refused(entry.name, `wheels have no category of data called "${category}"`);
    }
    leftOut.add(`${top}/headers`);
    return [];
  });
  return { files, leftOut: [...leftOut].sort() };
}

const plain = (path: string, entry: NamedEntry): TreeFile => ({
  ...{ path, isExecutable: isExecutable(entry.zip) },
  content: { of: 'entry', entry },
});

const script = (path: string, entry: NamedEntry): TreeFile => ({
  ...{ path, isExecutable: true },
  content: { of: 'script', entry },
});

/** The entry points of a wheel's one distribution, if it has any. @throws Failure where it is not one */
export function entryPointsIn(files: readonly TreeFile[], wheel: string): NamedEntry | undefined {
  const folders = new Set(files.flatMap(({ path }) => /^[^/]+\.dist-info(?=\/)/.exec(path) ?? []));
  const [folder] = folders;
  if (folder === undefined || folders.size > 1) {
    throw refused(wheel, `its tree must have one folder .dist-info, and has ${folders.size}`);
  }
  const content = files.find(({ path }) => path === `${folder}/entry_points.txt`)?.content;
  return content?.of === 'entry' ? content.entry : undefined;
}

/** Adds the programs of entry points; as with pip, one of the wheel's own scripts gives way to them. */
export function withPrograms(
  files: readonly TreeFile[],
  programs: ReadonlyMap<string, string>,
): TreeFile[] {
  const isReplaced = ({ path, content }: TreeFile) =>
    content.of === 'script' && programs.has(programOf(path));
  const made = [...programs].map(
    ([name, text]): TreeFile => ({
      ...{ path: `bin/${name}`, isExecutable: true },
      content: { of: 'text', text },
    }),
  );
  return [...files.filter(file => !isReplaced(file)), ...made];
}

/** The entry point that a script's file name belongs to, with the endings that setuptools gives it. */
const programOf = (path: string): string =>
  (path.split('/').at(-1) ?? '').replace(/(\.exe|-script\.py|\.pya)$/i, '');
