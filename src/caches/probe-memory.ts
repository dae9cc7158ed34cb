import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Host } from '../host/host.ts';
import { textAt } from '../host/presence.ts';
import { writePrivate } from '../host/whole-file.ts';
import type { CacheFault } from './types.ts';

/** What substituters have answered, by {@link answerKey}; undefined: nothing is wrong. */
export type Answers = ReadonlyMap<string, CacheFault | undefined>;

/** Names an answer without an address or a login in it, as the file is not the place for secrets. */
export function answerKey(url: URL, authorization: string | undefined): string {
  return createHash('sha256')
    .update(`${url.href}\n${authorization ?? ''}`)
    .digest('hex');
}

/** A file of the job, so that its later steps need not ask again. */
const memoryFile = ({ GITHUB_ACTIONS: workflow, RUNNER_TEMP: folder }: Host['env']) =>
  workflow === 'true' && folder ? join(folder, 'comfy-nix-substituters.json') : undefined;

/** The answers that earlier steps of the job have got; none outside of a workflow. */
export async function rememberedAnswers(env: Host['env']): Promise<Answers> {
  const file = memoryFile(env);
  return file === undefined ? new Map() : readAnswers((await textAt(file)) ?? '{}');
}

/** Probes of a step go on side by side, and write one after the other. */
let writing: Promise<void> = Promise.resolve();

/** Adds to what is remembered. Never rejects. */
export function rememberAnswers(fresh: Answers, env: Host['env']): Promise<void> {
  writing = writing.then(() => addAnswers(fresh, env));
  return writing;
}

async function addAnswers(fresh: Answers, env: Host['env']): Promise<void> {
  const file = memoryFile(env);
  if (file === undefined) return;
  const all = [...(await rememberedAnswers(env)), ...fresh].map(
    ([key, fault]) => [key, fault ?? null] as const,
  );
  await writePrivate(file, JSON.stringify(Object.fromEntries(all))).catch(() => undefined);
}

/** Reads the file's text; what is not as it was written is asked again. */
export function readAnswers(text: string): Answers {
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null) return new Map();
  const answers = new Map<string, CacheFault | undefined>();
  for (const [key, value] of Object.entries(parsed) as [string, unknown][]) {
    if (value === null) answers.set(key, undefined);
    else if (isFault(value)) answers.set(key, value);
  }
  return answers;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isFault = (value: unknown): value is CacheFault =>
  typeof value === 'object' &&
  value !== null &&
  'reason' in value &&
  typeof value.reason === 'string' &&
  'wantsLogin' in value &&
  typeof value.wantsLogin === 'boolean' &&
  'stalls' in value &&
  typeof value.stalls === 'boolean';
