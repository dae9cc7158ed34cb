import { alert, escapeText } from './markdown.ts';

/** What a set-up of Nix has to tell. */
export interface SetupFacts {
  /** The version of Nix, and the folder of its programs. */
  version: string;
  bin: string;
  /** Caches of which nothing is taken, and why. */
  leftOut: readonly { cache: string; reason: string }[];
  /** Why no token is used and no cache filled, where that is so. */
  refusal: string | undefined;
  /** Whether what was written stays after the run, until it is undone. */
  stays: boolean;
}

/** The set-up in a sentence for a terminal, and as a part of a job's summary. */
export function setupReport({ version, bin, leftOut, refusal, stays }: SetupFacts) {
  const markdown = [
    `## Nix ${escapeText(version)} is ready`,
    ...(refusal === undefined ? [] : [alert('NOTE', refusal)]),
    ...leftOut.map(({ cache, reason }) =>
      alert('WARNING', `Nothing is taken from ${cache}: ${reason}.`),
    ),
  ];
  return {
    text: `Nix ${version} is ready in ${bin}.\n${stays ? kept : ''}`,
    markdown: `${markdown.join('\n\n')}\n`,
  };
}

const kept = 'What was written stays; "comfy-nix setup --undo" takes it back.\n';
