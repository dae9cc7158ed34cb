import { chmod, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { TestContext } from 'node:test';
import { run } from './hermetic-example.ts';

/**
 * Merges trees of the store into one folder as the image's root layer does: folders are real, all
 * else is a link into the store. Rejects (EEXIST) when two trees have the same path.
 */
export async function composeRoot(context: TestContext, trees: readonly string[]): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'hermetic-root-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  await chmod(root, 0o755);
  await mkdir(join(root, 'nix/store'), { recursive: true });
  for (const tree of trees) {
    for (const entry of await readdir(tree, { recursive: true, withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const file = join(entry.parentPath, entry.name);
      const link = join(root, relative(tree, file));
      await mkdir(dirname(link), { recursive: true });
      await symlink(file, link);
    }
  }
  return root;
}

/** Runs a program as the image's user with `root` as /, and the store at its place in it. */
export function runIn(root: string, ...command: string[]): Promise<string> {
  const enter =
    'mount --bind /nix/store "$0/nix/store" && exec chroot --userspec=1000:1000 "$0" "$@"';
  return run('unshare', [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    enter,
    root,
    ...command,
  ]);
}
