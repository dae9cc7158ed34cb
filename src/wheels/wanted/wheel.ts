/** Where wheels come from. */
export type Origin =
  /** The root of an index (PEP 503): a project's page is at `url/project/`. */
  | { kind: 'index'; url: string }
  /** A release on GitHub; without a tag the latest. */
  | { kind: 'release'; repository: string; tag: string | undefined };

/** A project that is wanted in a variant. */
export interface WantedWheel {
  /** Normalised (PEP 503). */
  name: string;
  /** PEP 440 specifiers, "==2.10.0" or ">=2.10,<2.12"; empty: any. */
  versions: string;
  origin: Origin;
  /** Projects whose versions need not suit this one. */
  ignoredRequirements: readonly string[];
}

/** A project in any version, of an index. */
export const anyVersion = (name: string, url: string): WantedWheel => ({
  ...{ name, versions: '', ignoredRequirements: [] },
  origin: { kind: 'index', url },
});

/** The origin as the lock writes it. */
export function describeOrigin(origin: Origin): string {
  if (origin.kind === 'index') return origin.url;
  return `github:${origin.repository}${origin.tag === undefined ? '' : `@${origin.tag}`}`;
}
