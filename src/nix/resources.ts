import { availableParallelism, totalmem } from 'node:os';

/** How large a machine is. */
export interface MachineSize {
  /** Bytes. */
  memory: number;
  /** Processors that this process may use. */
  cpus: number;
}

/** Settings of nix.conf of the same names. */
export interface ResourceLimits {
  /** Derivations at a time. */
  maxJobs: number;
  /** Processes that one build may start: its `NIX_BUILD_CORES`. */
  cores: number;
}

const gibibyte = 2 ** 30;

/** For the system, Nix, and what this program itself needs. */
const reserved = 2 * gibibyte;

/** What one process of a CUDA compiler takes: nvcc on flash-attention has 3 to 4 GiB. */
const perProcess = 4 * gibibyte;

/**
 * The most that Nix can start without being killed for want of memory: `maxJobs` × `cores` never
 * needs more than `(memory − 2 GiB) / 4 GiB` processes of 4 GiB (but always allows one). They are
 * divided evenly, as its square root, between derivations and cores. So a runner with 16 GiB and 4
 * processors gets 1 × 3, one with 64 GiB and 16 processors 3 × 5.
 */
export function resourceLimits({ memory, cpus }: MachineSize = machineSize()): ResourceLimits {
  const processes = Math.max(1, Math.floor((memory - reserved) / perProcess));
  const maxJobs = Math.min(cpus, Math.floor(Math.sqrt(processes)));
  return { maxJobs, cores: Math.min(cpus, Math.floor(processes / maxJobs)) };
}

/** The machine's memory and processors, or what a container's limits leave of them. */
export function machineSize(): MachineSize {
  const limit = process.constrainedMemory(); // 0: none is known; 2^63 and the like: there is none
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { memory, cpus: availableParallelism() };
}
