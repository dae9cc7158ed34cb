import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startPodman } from '../../test/tools/podman.ts';

/** A host that pulls images; it begins with none. */
export interface Engine {
  pull(repository: string, digest: string): Promise<void>;
  /** What it has on disk. */
  diskBytes(): number;
  stop(): Promise<void>;
}

/** How to start each; `folder` keeps the packages that it was unpacked of, and `registry` is on loopback. */
export const engines: Record<string, (folder: string, registry: string) => Promise<Engine>> = {
  'Docker, classic store': (folder, registry) => startDocker(folder, 'classic', registry),
  "Docker, containerd's store": (folder, registry) => startDocker(folder, 'containerd', registry),
  podman: podmanEngine,
};

async function podmanEngine(_folder: string, registry: string): Promise<Engine> {
  const podman = startPodman(registry);
  const root = (await podman.run('info', '--format', '{{.Store.GraphRoot}}')).trim();
  return {
    pull: async (repository, digest) => {
      await podman.run('pull', '--quiet', `${repository}@${digest}`);
    },
    diskBytes: () => diskBytes(root),
    stop: podman.dispose,
  };
}

async function startDocker(folder: string, store: string, registry: string): Promise<Engine> {
  const data = join(folder, store);
  rmSync(data, { recursive: true, force: true });
  const script = fileURLToPath(new URL('docker', import.meta.url));
  const daemon = spawn(script, [folder, store, registry], { stdio: ['ignore', 'ignore', 'pipe'] });
  await started(daemon);
  const socketPath = join(data, 'docker.sock');
  return {
    pull: (repository, digest) => pullByApi(socketPath, repository, digest),
    diskBytes: () => diskBytes(join(data, 'root')),
    stop: async () => {
      const ended = once(daemon, 'exit');
      // unshare ignores every other signal, and ends what is in its namespace with it
      daemon.kill('SIGKILL');
      await ended;
      if (existsSync(data)) rmSync(data, { recursive: true, maxRetries: 5 });
    },
  };
}

/** Waits until the daemon says that it listens. */
async function started(daemon: ChildProcess): Promise<void> {
  const said: string[] = [];
  const lines = createInterface({ input: daemon.stderr ?? process.stdin });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', line => {
      said.push(line);
      if (line.includes('API listen on')) resolve();
    });
    lines.once('close', () => reject(new Error(`dockerd ended:\n${said.slice(-20).join('\n')}`)));
  });
}

/** Its answer is a line of JSON for each step; a failure is one of them. */
async function pullByApi(socketPath: string, repository: string, digest: string): Promise<void> {
  const query = new URLSearchParams({ fromImage: repository, tag: digest });
  const request = http.request({ socketPath, method: 'POST', path: `/images/create?${query}` });
  request.end();
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  for await (const line of createInterface({ input: response })) {
    const { error, message } = JSON.parse(line) as { error?: string; message?: string };
    if (error !== undefined) throw new Error(`docker pull ${repository}@${digest}: ${error}`);
    if (response.statusCode !== 200) throw new Error(`docker pull ${repository}: ${message}`);
  }
}

/** Layers that are mounted over each other are counted where they lie. */
function diskBytes(folder: string): number {
  const said = execFileSync('du', ['--summarize', '--block-size=1', '--one-file-system', folder], {
    encoding: 'utf8',
  });
  return Number(said.split('\t')[0]);
}
