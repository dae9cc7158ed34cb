/** A file as a set-up would write it. */
export interface CheckedFile {
  file: string;
  /** Undefined: it cannot be told. */
  lines: readonly { line: string; inEffect: boolean | undefined }[];
}

/** What a set-up would do, told without doing it. */
export type CheckFacts =
  | { nix: { version: string; bin: string }; files: readonly CheckedFile[] }
  /** There is no Nix: the version that would be installed. */
  | { wouldInstall: string };

/** The check for a terminal, and as a part of a job's summary. */
export function checkReport(facts: CheckFacts): { text: string; markdown: string } {
  const text = lines(facts)
    .map(line => `${line}\n`)
    .join('');
  return { text, markdown: `\`\`\`\n${text.replaceAll('```', "'''")}\`\`\`\n` };
}

function lines(facts: CheckFacts): string[] {
  if ('wouldInstall' in facts) {
    return [`There is no Nix; a set-up would install: ${facts.wouldInstall}.`, nothing];
  }
  const { nix, files } = facts;
  return [
    `Nix ${nix.version} is in ${nix.bin}.`,
    ...files.flatMap(({ file, lines: all }) => [
      `A set-up writes ${file}, and has it read:`,
      ...all.map(({ line, inEffect }) => `  ${state(inEffect)}  ${line}`),
    ]),
    nothing,
  ];
}

const nothing = 'Nothing was written.';

const state = (inEffect: boolean | undefined): string =>
  (inEffect === undefined ? '' : inEffect ? 'in effect' : 'not in effect').padEnd(13);
