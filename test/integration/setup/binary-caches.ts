import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runNix } from '../../../src/nix/nix.ts';
import type { Nix } from '../../../src/nix/types.ts';

/** Runs one of Nix's programs; it must succeed. Resolves with its standard output. */
export async function must(
  nix: Nix,
  program: 'nix' | 'nix-store',
  args: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await runNix(nix, program, args);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** A key pair of Nix's for signatures. */
export async function newKey(nix: Nix, name: string) {
  const secret = await must(nix, 'nix', ['key', 'generate-secret', '--key-name', name]);
  const args = ['key', 'convert-secret-to-public'];
  const { file, env } = { file: join(nix.bin, 'nix'), env: nix.env };
  const { stdout } = await nix.host.run({ file, args, env, stdin: secret, limit: 'none' });
  return { secret, publicKey: stdout.trim() };
}

/** Names of the store paths in a binary cache, which are what follows their hashes. */
export async function cachedNames(folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.narinfo'));
  const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')));
  return texts.map(text => /^StorePath: .{44}(.*)$/m.exec(text)?.[1] ?? '').sort();
}
