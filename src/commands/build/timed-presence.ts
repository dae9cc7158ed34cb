import type { Host } from '../../host/host.ts';
import { inSpan } from '../../host/span.ts';
import type { ImageStore } from '../../registry/store.ts';

/** The same store, which tells how long its registry takes to say what it has, and to mount it. */
export function timedPresence(store: ImageStore, host: Host): ImageStore {
  const timed = (detail: string, ask: () => Promise<boolean>) =>
    inSpan(host, { kind: 'presence', detail }, ask);
  return {
    ...store,
    hasBlob: (digest, size) => timed(digest, () => store.hasBlob(digest, size)),
    mountBlob: (digest, from) => timed(digest, () => store.mountBlob(digest, from)),
  };
}
