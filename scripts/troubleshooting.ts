// The page of known causes of failures (docs/troubleshooting.md), made of src/nix/causes/.

import type { Cause, Sign } from '../src/nix/causes/cause.ts';
import { causeGroups } from '../src/nix/causes/table.ts';

const introduction = `# When a build fails

A failure names the layer, the derivation, the last lines of its log and, with \`nix log\`, the command
that shows all of it. Where this program knows why, it says so (\`Why:\`) and what to do (\`Next:\`). What
follows is all that it knows; \`src/nix/causes/\` is the table, and this page is made of it by
\`npm run reference\`.

"likely" stands before a guess. What Nix itself says is sure; what is read in the log of a builder is
not: a package's tests print what they like.
`;

/** The page's text. */
export function troubleshootingPage(): string {
  const groups = causeGroups.flatMap(({ title, causes }) => [
    `## ${title}\n`,
    ...causes.map(section),
  ]);
  return [introduction, ...groups].join('\n');
}

const section = (cause: Cause): string =>
  [
    `### ${cause.title}`,
    '',
    `${certainty(cause.signs)}: ${shown(cause.cause)}`,
    '',
    `**Remedy:** ${shown(cause.remedy)}`,
    '',
  ].join('\n');

/** Whether it is told as a fact, as a guess, or as either. */
function certainty(signs: readonly Sign[]): string {
  const sure = signs.filter(sign => sign.sure).length;
  if (sure === signs.length) return 'Sure';
  return sure === 0 ? 'Likely' : 'Sure or likely';
}

/** What is found in each case stands in capitals. */
const shown = (template: string): string =>
  template
    .replaceAll(/\[\[|\]\]/g, '')
    .replaceAll('\n', ' ')
    .replaceAll(/<(\w+)>/g, (_, name: string) => name.toUpperCase());
