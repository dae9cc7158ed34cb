/** A store path as it stands in a text, whatever the store's folder is. */
const storePath = /\/[^\s"':;=,()<>|&$`\\]*?\/[0-9a-z]{32}-[0-9A-Za-z+._?-]+/g;

/** The store paths that a text names, without what follows within them. */
export function storePathsIn(text: string): string[] {
  return text === '' ? [] : (text.match(storePath) ?? []);
}
