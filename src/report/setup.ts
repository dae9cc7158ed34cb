import { alert, escapeText } from './markdown.ts';

/** What Nix has said is in effect, as far as people ask for it; no secret is in it. */
export interface InEffect {
  /** Addresses without logins. */
  substituters: readonly string[];
  /** Names of trusted keys. */
  trustedKeys: readonly string[];
  maxJobs: string;
  cores: string;
  /** Servers for which there is a token. */
  tokensFor: readonly string[];
  /** Whether a daemon takes these settings from this user; undefined: there is none. */
  daemon: 'trusting' | 'distrusting' | undefined;
}

/** What a set-up of Nix has to tell. */
export interface SetupFacts {
  /** The version of Nix, and the folder of its programs. */
  version: string;
  bin: string;
  inEffect: InEffect;
  /** Caches of which nothing is taken, and why. */
  leftOut: readonly { cache: string; reason: string }[];
  /** Why no token is used and no cache filled, where that is so. */
  refusal: string | undefined;
  /** Whether what was written stays after the run, until it is undone. */
  stays: boolean;
}

/** The set-up in sentences for a terminal, and as a part of a job's summary. */
export function setupReport({ version, bin, inEffect, leftOut, refusal, stays }: SetupFacts) {
  const rows = effectRows(inEffect);
  const markdown = [
    `## Nix ${escapeText(version)} is ready`,
    ...(refusal === undefined ? [] : [alert('NOTE', refusal)]),
    ...leftOut.map(({ cache, reason }) =>
      alert('WARNING', `Nothing is taken from ${cache}: ${reason}.`),
    ),
    [
      '| In effect, as Nix says | |\n| --- | --- |',
      ...rows.map(([name, value]) => `| ${name} | ${escapeText(value)} |`),
    ].join('\n'),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return {
    text: [
      `Nix ${version} is ready in ${bin}. In effect, as Nix says:\n`,
      ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`),
      stays ? kept : '',
    ].join(''),
    markdown: `${markdown.join('\n\n')}\n`,
  };
}

function effectRows({
  substituters,
  trustedKeys,
  maxJobs,
  cores,
  tokensFor,
  daemon,
}: SetupFacts['inEffect']): [name: string, value: string][] {
  const list = (values: readonly string[]) => values.join(' ') || 'none';
  return [
    ['substituters', list(substituters)],
    ['trusted keys', list(trustedKeys)],
    ['builds at once', maxJobs],
    ['cores a build', cores === '0' ? 'all' : cores],
    ['tokens for', list(tokensFor)],
    ['store', daemon === undefined ? 'without a daemon' : daemonRow(daemon)],
  ];
}

const daemonRow = (daemon: 'trusting' | 'distrusting') =>
  daemon === 'trusting'
    ? 'a daemon, which takes these settings'
    : 'a daemon, which does not trust this user';
const kept = 'What was written stays; "comfy-nix setup --undo" takes it back.\n';
