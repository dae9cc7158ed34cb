import type { Edit } from '../host/foreign-file.ts';

// The line by which a file of others reads one of ours. What it was before can be told from it, so that
// taking it back leaves the very bytes that were there.

/** The name of our file, in the folder of the one that includes it. */
export const ourFile = 'comfy-nix.conf';

/** Begins a file that was made for the line alone. */
const made = '# Made by comfy-nix for the line below; it goes with it.\n';
const nixLine = `!include ${ourFile}`;
const withLineEnd = '# and the line end before it';
const sshLine = `Include ${ourFile}`;

/** A nix.conf that ends by including our file; one that does already stays as it is. */
export const includeInNix: Edit = text => {
  if (text === undefined) return `${made}${nixLine}\n`;
  if (includesOurs(text)) return text;
  return text === '' || text.endsWith('\n')
    ? `${text}${nixLine}\n`
    : `${text}\n${nixLine} ${withLineEnd}\n`;
};

/** The same without that line. */
export const excludeFromNix: Edit = text =>
  leftOf(
    text
      ?.replace(new RegExp(`\\n${nixLine} ${withLineEnd}\\n$`), '')
      .replace(new RegExp(`^${nixLine}( ${withLineEnd})?(\\n|$)`, 'm'), ''),
  );

/** Whether a nix.conf includes our file, in our words or in those of its owner. */
export const includesOurs = (text: string): boolean =>
  /^\s*!?include\s+(\S*\/)?comfy-nix\.conf\s*(#.*)?$/m.test(text);

/** An ssh_config that begins by including our file: before the first Host it counts for all machines. */
export const includeInSsh: Edit = text => {
  if (text === undefined) return `${made}${sshLine}\n`;
  return /^\s*Include\s.*\bcomfy-nix\.conf\b/im.test(text) ? text : `${sshLine}\n${text}`;
};

/** The same without that line. */
export const excludeFromSsh: Edit = text =>
  leftOf(text?.replace(new RegExp(`^${sshLine}(\\n|$)`, 'm'), ''));

const leftOf = (text: string | undefined) => (text === made ? undefined : text);
