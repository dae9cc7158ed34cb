import type { TestContext } from 'node:test';
import { parseReference } from '../../src/registry/reference.ts';
import { remoteStore } from '../../src/registry/remote.ts';
import type { ImageStore } from '../../src/registry/store.ts';
import { instantRetries } from './blobs.ts';
import { quietHost } from './host.ts';
import type { TestServer } from './http-server.ts';

/** A repository of a registry that is there for one test: both end with it. `waits`: see instantRetries. */
export function storeOn(
  t: TestContext,
  server: Pick<TestServer, 'address' | 'stop'>,
  repository: string,
  waits: number[] = [],
): ImageStore {
  const store = remoteStore(parseReference(`${server.address}/${repository}`), {
    host: quietHost(),
    credentials: {},
    retries: instantRetries(waits),
  });
  t.after(async () => {
    await store.close();
    await server.stop();
  });
  return store;
}
