import { readIndex, WrongDocument } from '../image/oci/documents.ts';
import type { Descriptor } from '../image/types.ts';
import type { RegistryClient } from './client.ts';
import { pagesOf } from './pages.ts';

/**
 * What refers to a manifest (distribution-spec 1.1, "Listing Referrers"); undefined where the registry keeps
 * no list of it, and tags stand in for that. Rejects with a Failure where it cannot answer.
 */
export async function referrersOf(
  client: RegistryClient,
  digest: string,
): Promise<Descriptor[] | undefined> {
  const found: Descriptor[] = [];
  for await (const answer of pagesOf(client, client.referrersUrl(digest))) {
    if (answer.status >= 500 || answer.status === 429) {
      throw client.refused(answer, `list what refers to ${digest} in`);
    }
    const page = answer.status === 200 ? pageOf(answer.body, client.repository) : undefined;
    if (page === undefined) return undefined;
    found.push(...page);
  }
  return found;
}

/** The entries of a page; undefined for what is none, as of a server that has a page for everything. */
function pageOf(body: Buffer, name: string): readonly Descriptor[] | undefined {
  try {
    return readIndex(body, name).manifests;
  } catch (error) {
    if (error instanceof WrongDocument) return undefined;
    throw error;
  }
}
