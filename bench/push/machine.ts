import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { execute, fullMachine, runOn } from './workspace.ts';

/** What was measured on, in one line for people. */
export interface MachineDescription {
  cores: number;
  text: string;
}

/** Describes this machine and the programs on it. */
export async function describeMachine(): Promise<MachineDescription> {
  const cores = availableParallelism();
  const model = cpus()[0]?.model.trim() || 'unknown CPU';
  const skopeo = (await execute(['skopeo', '--version'])).trim();
  const nix = (await runOn(fullMachine, ['nix', '--version'])).trim();
  const registry = (await execute(['docker-registry', '--version'])).trim().split(' ').at(-1);
  const system = /^PRETTY_NAME="(.*)"/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  const parts = [
    `${cores} cores of ${model}, ${(totalmem() / 1e9).toFixed(0)} GB of memory`,
    system ?? 'Linux',
    `Node ${process.versions.node}`,
    nix,
    skopeo,
    `docker-registry ${registry}`,
    `load when it began: ${loadavg()[0]?.toFixed(1)}`,
  ];
  return { cores, text: parts.join('; ') };
}
