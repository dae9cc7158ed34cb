import assert from 'node:assert/strict';
import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ProgressEvent } from '../../../src/host/events.ts';
import type { Host } from '../../../src/host/host.ts';
import { processRunner } from '../../../src/host/process.ts';
import { findNix } from '../../../src/nix/nix.ts';
import type { Nix } from '../../../src/nix/types.ts';

export interface Workbench {
  nix: Nix;
  /** Of this test alone, removed after it. */
  folder: string;
  /** What the workers have emitted. */
  emitted: ProgressEvent[];
}

/** The Nix on PATH, and a folder of the test's own. Fails where there is no Nix. */
export async function workbench(test: TestContext, more: Partial<Host> = {}): Promise<Workbench> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'nix-test-')));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const emitted: ProgressEvent[] = [];
  const nix = await findNix({
    env: process.env,
    clock: Date.now,
    run: processRunner(process.env),
    emit: event => emitted.push(event),
    ...more,
  });
  assert.ok(nix, 'these tests need a Nix on PATH: run them through test/tools/with-nix');
  return { nix, folder, emitted };
}

/**
 * Writes a flake into `folder`. `sh name script more` is a derivation made by a static shell, which
 * comes in as an input, since pure evaluation cannot read a file of the machine.
 */
export async function writeFlake(folder: string, packages: string): Promise<void> {
  const shell = join(folder, 'shell');
  await mkdir(shell, { recursive: true });
  await copyFile('/bin/busybox', join(shell, 'busybox'));
  await mkdir(join(folder, 'flake'), { recursive: true });
  await writeFile(
    join(folder, 'flake/flake.nix'),
    `{
      inputs.shell = { url = "path:${shell}"; flake = false; };
      outputs = { self, shell }: let
        sh = name: script: more: builtins.derivation ({
          inherit name;
          system = "${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux";
          builder = "\${shell}/busybox";
          args = [ "sh" "-c" script ];
        } // more);
        packages = rec { ${packages} };
      in { packages = { x86_64-linux = packages; aarch64-linux = packages; }; };
    }`,
  );
}
