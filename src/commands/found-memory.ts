import { Failure } from '../host/failure.ts';
import type { Host } from '../host/host.ts';
import { warn } from '../host/say.ts';
import type { FoundMemory } from '../registry/memory/read.ts';
import type { Memory } from '../registry/remembered.ts';

/** What is remembered; what is wrong with some of it is told. */
export async function toldMemory(reading: Promise<FoundMemory>, host: Host): Promise<Memory> {
  const { memory, warning } = await reading;
  if (warning !== undefined) warn(host, warning);
  return memory;
}

/** The same for a memory that one can do without. `loss`: what it means that it cannot be read. */
export async function memoryIfReadable(
  reading: Promise<FoundMemory>,
  loss: string,
  host: Host,
): Promise<Memory> {
  try {
    return await toldMemory(reading, host);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    warn(host, `${loss}: ${error.message}`);
    return { images: [] };
  }
}
