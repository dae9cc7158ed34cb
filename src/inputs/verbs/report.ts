import { resolve } from 'node:path';
import type { RunContext } from '../context.ts';
import { allRead, parse } from '../parse.ts';
import type { ReportSettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';
import { badInput } from '../values.ts';
import { readCredentials } from './credentials.ts';

/**
 * Reads the inputs of the verb `report`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseReport(raw: RawInputs, context: RunContext): ReportSettings {
  const { github, currentDirectory } = context;
  const values = parse('report', trustedInputs(raw, github));
  const { run, markdown, trace, html, workingDirectory, ...registry } = values;
  const { registryUsername, registryPassword, githubToken, insecureRegistries, ...rest } = registry;
  allRead(rest);
  if (run === undefined) throw badInput('run', 'it is missing.', usage);
  const folder = resolve(currentDirectory, workingDirectory);
  const fileOf = (name: string | undefined) => name && resolve(currentDirectory, name);
  return {
    run,
    markdown,
    traceFile: fileOf(trace),
    htmlFile: fileOf(html),
    credentials: readCredentials({ registryUsername, registryPassword, githubToken }, github),
    insecureRegistries,
    workingDirectory: folder,
  };
}

const usage =
  'Name the file that the input record of a build wrote, or the image: ' +
  'comfy-nix report ghcr.io/owner/name:tag.';
