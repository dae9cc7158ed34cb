import { resolve } from 'node:path';
import type { RunContext } from '../context.ts';
import { allRead, parse } from '../parse.ts';
import type { AuditSettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';

/**
 * Reads the inputs of the verb `audit`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseAudit(raw: RawInputs, context: RunContext): AuditSettings {
  const values = parse('audit', trustedInputs(raw, context.github));
  const { installNix, nixVersion, nixReleaseUrl, nixReleaseSha256, ...settings } = values;
  const { nixConf, accessTokens, githubToken, acceptFlakeConfig, ...image } = settings;
  const { flake, overrideInputs, workingDirectory, record, auditFailOn, ...rest } = image;
  allRead(rest);
  const { currentDirectory, temporaryDirectory, github } = context;
  return {
    nix: { installNix, nixVersion, nixReleaseUrl, nixReleaseSha256 },
    // what it evaluates with is for nobody else
    conf: {
      lines: nixConf,
      accessTokens,
      jobToken: github && githubToken,
      trustedUsers: [],
      place: 'run',
    },
    flake,
    overrideInputs,
    acceptFlakeConfig,
    workingDirectory: resolve(currentDirectory, workingDirectory),
    auditFailOn,
    recordFile: record === undefined ? undefined : resolve(currentDirectory, record),
    ...(github?.fork === undefined ? {} : { tokenRefusal: refusalFor(github.fork) }),
    temporaryDirectory,
  };
}

const refusalFor = (fork: string) => `No token is used: the code comes from ${fork}.`;
