import type { RegistryCredentials } from '../../registry/credentials.ts';
import type { GitHubContext } from '../context.ts';
import type { Values } from '../parse.ts';
import { badInput } from '../values.ts';

type CredentialValues = Pick<
  Values<'build' | 'report' | 'copy'>,
  'registryUsername' | 'registryPassword' | 'githubToken'
>;

/** The registry's credentials; code from a fork gets none, whatever the workflow hands in. */
export function readCredentials(
  { registryUsername: username, registryPassword: password, githubToken }: CredentialValues,
  github: GitHubContext | undefined,
): RegistryCredentials {
  if (github?.fork !== undefined) return { anonymous: true };
  if (username !== undefined && password === undefined) {
    throw badInput('registry-password', 'it is empty, but `registry-username` is given.');
  }
  if (username === undefined && password !== undefined) {
    throw badInput('registry-username', 'it is empty, but `registry-password` is given.');
  }
  return { username, password, githubToken };
}
