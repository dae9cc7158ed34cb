import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../src/registry/open.ts';
import { layerOf, noise } from '../../tools/blobs.ts';
import { quietHost } from '../../tools/host.ts';

/**
 * Writes too much into the small file system it is given, and prints what is said and what stays.
 */
const [folder = ''] = process.argv.slice(2);
const results: { message: string; left: string[] }[] = [];
for (const image of [`oci:${join(folder, 'layout')}`, `docker-archive:${join(folder, 'x.tar')}`]) {
  const store = openStore(image, { host: quietHost(), credentials: {} });
  const message = await store.putBlob(layerOf(noise(5_000_000, 1))).then(
    () => 'it was written',
    (error: Error) => error.message,
  );
  await store.close();
  const left = readdirSync(folder, { recursive: true }).map(String);
  results.push({ message, left: left.filter(name => /partial|x\.tar/.test(name)) });
}
process.stdout.write(JSON.stringify(results));
