import * as v from 'valibot';
import { readJson } from '../host/foreign-json.ts';
import type { RegistryClient } from './client.ts';
import { pagesOf } from './pages.ts';

const listSchema = v.object({ tags: v.nullish(v.array(v.string())) });

/**
 * The tags of a repository that begin with a text (distribution-spec, "Listing Tags"), page after page:
 * not every registry has them in an order. Rejects with a Failure where they are not told.
 */
export async function tagsWith(client: RegistryClient, start: string): Promise<string[]> {
  const found: string[] = [];
  for await (const answer of pagesOf(client, client.tagsUrl())) {
    if (answer.status === 404) return [];
    if (answer.status !== 200) throw client.refused(answer, 'list the tags of');
    const { tags } = readJson(listSchema, answer.body.toString()) ?? {};
    found.push(...(tags ?? []).filter(tag => tag.startsWith(start)));
  }
  return found;
}
