/** The tag of the list of what refers to a digest, where no registry keeps it (distribution-spec, "Referrers Tag Schema"). */
export const referrersTag = (digest: string): string => digest.replace(':', '-');

/** Tags by which cosign finds what it has made of an image. */
export const cosignTags = (digest: string): string[] =>
  ['.sig', '.att', '.sbom'].map(ending => `${referrersTag(digest)}${ending}`);

/** Whether a tag is made of a digest: what it names refers to that, and is no image of its own. */
export const isReferrerTag = (tag: string): boolean => /^sha256-[0-9a-f]{64}/.test(tag);
