import { resolve } from 'node:path';
import type { RunContext } from '../context.ts';
import { readCopyDestination } from '../destination.ts';
import { allRead, parse } from '../parse.ts';
import type { CopySettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';
import { badInput } from '../values.ts';
import { readCredentials } from './credentials.ts';
import { checkStandardOutput, permission } from './permission.ts';

/**
 * Reads the inputs of the verb `copy`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseCopy(raw: RawInputs, context: RunContext): CopySettings {
  const { github, currentDirectory } = context;
  const values = parse('copy', trustedInputs(raw, github));
  const { source, destination, tags, push, compression, workingDirectory, ...more } = values;
  const { platform, all, ...login } = more;
  if (all && platform !== undefined) {
    throw badInput(
      'platform',
      'it says one image, and all says every one.',
      'Leave one of them out.',
    );
  }
  const { registryUsername, registryPassword, insecureRegistries, githubToken, ...rest } = login;
  allRead(rest);
  const given = required('source', source);
  const place = readCopyDestination(required('destination', destination), tags);
  checkStandardOutput('destination', place.image, context);
  const allowed = permission(push, place.image, context);
  return {
    source: given,
    destination: place,
    compression,
    platform,
    all,
    credentials: readCredentials({ registryUsername, registryPassword, githubToken }, github),
    insecureRegistries,
    fromFork: github?.fork !== undefined,
    workingDirectory: resolve(currentDirectory, workingDirectory),
    refusal: allowed.pushRefusal,
    writeMemory: allowed.writeMemory,
  };
}

function required(name: string, value: string | undefined): string {
  if (value !== undefined) return value;
  throw badInput(name, 'it is missing.', 'Usage: comfy-nix copy SOURCE DESTINATION');
}
