import type { Hands } from '../host/hands.ts';
import type { Host } from '../host/host.ts';
import { describeMachine } from './install/machine.ts';
import { privilegedRunner } from './install/privileged.ts';

/** Hands of root, for files outside of our own folders. Running anything rejects where this user cannot. */
export async function rootHands(host: Host): Promise<Hands> {
  return { run: privilegedRunner(await describeMachine(host), host), who: 'root', host };
}
