import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processRunner } from '../../src/host/process.ts';

/** A real container engine with storage of its own, run as root without a network. */
export interface Podman {
  /** Runs podman; returns its output, or throws with it. */
  run(...args: readonly string[]): Promise<string>;
  dispose(): Promise<void>;
}

/** What podman needs where there is no systemd and limits cannot be raised. */
const containersConf = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** Names no driver: layers are mounted over each other where the machine can, and copied elsewhere. */
const storageConf = (folder: string) => `
[storage]
graphroot = "${join(folder, 'root')}"
runroot = "${join(folder, 'run')}"
`;

/** @param registry "127.0.0.1:PORT" of a registry that is spoken to without TLS */
export function startPodman(registry: string): Podman {
  const folder = mkdtempSync(join(tmpdir(), 'podman-'));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const env = {
    CONTAINERS_CONF: file('containers.conf', containersConf),
    CONTAINERS_STORAGE_CONF: file('storage.conf', storageConf(folder)),
    CONTAINERS_REGISTRIES_CONF: file(
      'registries.conf',
      `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`,
    ),
  };
  const run = async (...args: readonly string[]) => {
    const command = { file: 'podman', args, env, limit: 'none' } as const;
    const { code, stdout, stderr } = await processRunner(process.env)(command);
    if (code === 0) return stdout;
    throw new Error(`podman ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  };
  return {
    run,
    dispose: async () => {
      await run('rmi', '--all', '--force');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
