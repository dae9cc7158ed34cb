import { WrongDigest } from '../image/digest.ts';
import type { RegistryClient } from './client.ts';

/** The Failure for what came from a registry with another digest than it was asked for by. */
export function corrupt(client: RegistryClient, what: string, actual: string): WrongDigest {
  return new WrongDigest(`${client.repository}: the ${what} arrived with the digest ${actual}.`, {
    tried: 'comparing the digest of the bytes with the one that was asked for',
    next: 'The registry, or a cache before it, is damaged: push the image again.',
  });
}
