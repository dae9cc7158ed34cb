import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A network link between a runner and its registry. */
export interface Link {
  /** Bytes per second towards the registry, for all connections together. */
  rate: number;
  /** Milliseconds there and back. */
  roundTrip: number;
}

/** Of a GitHub runner to its registry. */
export const runnerLink: Link = { rate: 100e6, roundTrip: 20 };

/** A link that runs. */
export interface OpenLink {
  /** "127.0.0.1:PORT". */
  address: string;
  /** Bytes that were sent over the link so far, in either direction. */
  bytes(): Promise<number>;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL('link-program.ts', import.meta.url));

/**
 * A TCP proxy that behaves like a link: all connections share its rate, each byte arrives half a round
 * trip later, a connection is opened after a whole one. TCP's slow start is not imitated. It is a
 * process of its own, which nothing else keeps from its clock.
 */
export async function startLink(target: string, link: Link): Promise<OpenLink> {
  const child = fork(program, [target, JSON.stringify(link)]);
  const ended = once(child, 'exit').then(() => {
    throw new Error(`${program} has ended`);
  });
  ended.catch(() => undefined); // who asks is told
  const told = async (): Promise<unknown> =>
    (await Promise.race([once(child, 'message'), ended]))[0];
  const address = (await told()) as string;
  const bytes = async () => {
    child.send('bytes');
    return (await told()) as number;
  };
  const stop = async () => {
    child.disconnect();
    await ended.catch(() => undefined);
  };
  return { address, bytes, stop };
}
