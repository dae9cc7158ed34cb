import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashTree } from '../../../src/wheels/tree/hash.ts';
import { serve } from '../../tools/http-server.ts';
import { type Lifetime, run, temporaryFolder } from './stand-in.ts';

/** Files by their path in a wheel or a source; their content, or a file to copy. */
export type Files = Record<string, string | Buffer | { copyOf: string }>;

/** Real wheels and archives of sources, served on loopback as an index and a forge would. */
export interface Wheelhouse {
  addWheel(wheel: {
    name: string;
    version: string;
    files: Files;
    requires?: string[];
  }): Promise<Pin>;
  addSource(name: string, rev: string, files: Files): Promise<SourcePin>;
  /** Bytes of all files that were asked for so far. */
  servedBytes(): number;
  /** Names of the files that were asked for since this was called before. */
  takeServed(): string[];
}

export interface Pin {
  layer?: string;
  version: string;
  url: string;
  hash: string;
  size: number;
  source: string;
  digest: string;
  /** The NAR hash of its tree. */
  unpacked: string;
}

export interface SourcePin {
  url: string;
  ref: string;
  rev: string;
  hash: string;
  digest: string;
}

/** Starts the server, which ends with the test. */
export async function startWheelhouse(context: Lifetime): Promise<Wheelhouse> {
  const folder = await temporaryFolder(context, 'wheelhouse');
  const served = new Map<string, Buffer>();
  let servedBytes = 0;
  let names: string[] = [];
  const { url: origin, stop } = await serve((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    const content = served.get(path);
    names.push(path.slice(1));
    servedBytes += content?.length ?? 0;
    response.writeHead(content ? 200 : 404).end(content);
  });
  context.after(stop);

  return {
    servedBytes: () => servedBytes,
    takeServed: () => {
      const taken = names;
      names = [];
      return taken;
    },
    addWheel: async ({ name, version, files, requires = [] }) => {
      const project = name.replaceAll('-', '_');
      const fileName = `${project}-${version}-py3-none-any.whl`;
      const file = join(folder, fileName);
      const content = await makeWheel(file, {
        ...files,
        [`${project}-${version}.dist-info/METADATA`]: metadata(name, version, requires),
        [`${project}-${version}.dist-info/WHEEL`]: 'Wheel-Version: 1.0\nTag: py3-none-any\n',
        [`${project}-${version}.dist-info/RECORD`]: '',
      });
      served.set(`/${fileName}`, content);
      const hash = `sha256-${createHash('sha256').update(content).digest('base64')}`;
      const url = `${origin}/${fileName.replaceAll('+', '%2B')}`;
      const { unpacked } = await hashTree(file, fileName);
      await rm(file);
      const size = content.length;
      return { version, url, hash, size, source: origin, digest: 'download', unpacked };
    },
    addSource: async (name, rev, files) => {
      const root = join(folder, `${name}-${rev}`);
      await writeFiles(root, files);
      const archive = `${root}.tar.gz`;
      await run('tar', ['-czf', archive, '-C', folder, `${name}-${rev}`]);
      served.set(`/${name}/archive/${rev}.tar.gz`, await readFile(archive));
      const hash = await run('nix-hash', ['--type', 'sha256', '--base32', root]);
      const convert = ['--extra-experimental-features', 'nix-command', 'hash', 'to-sri'];
      const sri = await run('nix', [...convert, '--type', 'sha256', hash.trim()]);
      await rm(root, { recursive: true });
      return { url: `${origin}/${name}`, ref: rev, rev, hash: sri.trim(), digest: 'download' };
    },
  };
}

const metadata = (name: string, version: string, requires: readonly string[]) =>
  [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...requires.map(requirement => `Requires-Dist: ${requirement}`),
    '',
  ].join('\n');

/** Writes a wheel, a zip of these files, and returns its bytes. */
export async function makeWheel(file: string, files: Files): Promise<Buffer> {
  const root = `${file}.d`;
  await writeFiles(root, files);
  const entries = [...new Set(Object.keys(files).map(path => path.split('/')[0] ?? ''))].sort();
  await run('/usr/bin/python3', ['-m', 'zipfile', '-c', file, ...entries], { cwd: root });
  await rm(root, { recursive: true });
  return readFile(file);
}

async function writeFiles(root: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    if (typeof content === 'object' && 'copyOf' in content) await cp(content.copyOf, target);
    else await writeFile(target, content);
  }
}
