import type { GitHubContext } from './context.ts';
import { type InputName, inputs, type RawInputs } from './table.ts';

/** Inputs that let a run write somewhere or use a machine; all that is secret comes to them. */
const powerful: readonly InputName[] = ['binary-caches', 'cachix-push', 'builders'];

/** The inputs that count: code from a fork may use what needs no secret, whatever the workflow says. */
export function trustedInputs(raw: RawInputs, github: GitHubContext | undefined): RawInputs {
  if (github?.fork === undefined) return raw;
  const kept = inputs.filter(({ name, secret }) => !secret && !powerful.includes(name));
  return Object.fromEntries(kept.map(({ name }) => [name, raw[name]]));
}
