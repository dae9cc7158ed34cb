import * as v from 'valibot';
import { readJson } from '../host/foreign-json.ts';
import { isAtLeast, runNix } from './nix.ts';
import type { Nix } from './types.ts';

/** What the store says when it is asked whether it is there. */
export type StoreAnswer =
  | {
      answers: true;
      /** Whether a daemon takes settings from this user; a store without one always does. */
      trusted: boolean;
      /** Substituters that a daemon does not take from this user. */
      refused: readonly string[];
    }
  | { answers: false; reason: string };

/** A substituter that no daemon knows and nothing is ever taken from: who is not trusted is told so. */
const decoy = 'file:///var/empty/comfy-nix-asks-for-trust';

/**
 * Asks the store whether it answers and trusts this user, in one process. Versions before 2.20 do not
 * tell trust; their daemons do, by refusing a substituter.
 */
export async function askStore(nix: Nix): Promise<StoreAnswer> {
  const tells = isAtLeast(nix.version, '2.20');
  const question = tells
    ? ['store', 'info', '--json']
    : ['store', 'ping', '--option', 'extra-substituters', decoy];
  const { code, stdout, stderr } = await runNix(nix, 'nix', [
    ...['--extra-experimental-features', 'nix-command'],
    ...question,
  ]);
  if (code !== 0) return { answers: false, reason: reasonIn(stderr) };
  const refused = refusedIn(stderr);
  return {
    answers: true,
    trusted: tells ? readJson(distrusts, stdout) === undefined : !refused.includes(decoy),
    refused: refused.filter(url => url !== decoy),
  };
}

/** A store without a daemon may say nothing of trust; what it ignores will be told by itself. */
const distrusts = v.object({ trusted: v.union([v.literal(false), v.literal(0)]) });

const refusedIn = (stderr: string): string[] =>
  [...stderr.matchAll(/ignoring untrusted substituter '([^'\s]+)'/g)].map(([, url = '']) => url);

function reasonIn(stderr: string): string {
  const errors = stderr.split('\n').filter(line => line.startsWith('error:'));
  return (errors.at(-1) ?? stderr.trim().split('\n').at(-1) ?? '').replace(/^error:\s*/, '');
}
