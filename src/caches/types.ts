/** A path that could not be pushed, and why. */
export interface PushFailure {
  path: string;
  reason: string;
}

/** What a cache has taken in this run. */
export interface PushReport {
  /** As people know the cache: its Cachix name, or its address without credentials. */
  name: string;
  pushed: number;
  failed: readonly PushFailure[];
}

/** A cache that gets what is built here, while the build goes on. */
export interface PushTarget {
  name: string;
  /**
   * Takes an output that was built on this machine (or for it by a remote builder), never one that a
   * substituter had, never an image archive. Returns at once.
   */
  push(outPath: string): void;
  /** Resolves when all that was taken is there, or has failed for good. Never rejects. */
  finish(): Promise<PushReport>;
}

/** A cache of which nothing is taken, and why. */
export interface LeftOutCache {
  /** Its address, without a login. */
  cache: string;
  reason: string;
}

/** What is wrong with a cache that was asked whether it is one. */
export interface CacheFault {
  /** In words that complete "left out, since …". */
  reason: string;
  /** It answered 401 or 403: with another login it may well be usable. */
  wantsLogin: boolean;
  /** Who takes from it waits: it does not answer, or wants to be asked again later. */
  stalls: boolean;
}

/** A substituter as nix.conf names it. */
export interface Substituter {
  url: string;
  /** `name:base64`; a cache may have several, none where Nix trusts it for another reason. */
  publicKeys: readonly string[];
}
