// What a large memory takes: 20 images of 40 layers with 1,500 store paths each, every layer on those
// below it, a tenth of the paths new from image to image. `npm run bench:memory`
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { blobKey } from '../src/image/keys.ts';
import { mediaTypes } from '../src/image/types.ts';
import { parseMemory } from '../src/registry/memory/parse.ts';
import { closureOfRow, loneRow, rowsOfStore } from '../src/registry/memory/rows.ts';
import { serializeMemory } from '../src/registry/memory/serialize.ts';
import type { KnownBlob, Memory, RememberedImage } from '../src/registry/remembered.ts';

const counts = { images: 20, layers: 40, paths: 1_500, changed: 10 };
const alphabet = '0123456789abcdfghijklmnpqrsvwxyz';
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** A store path of a name as packages have them, and a hash that does not compress. */
function storePath(name: string): string {
  const bytes = createHash('sha256').update(name).digest();
  const letters = Array.from(bytes, byte => alphabet[byte % 32]).join('');
  return `/nix/store/${letters}-python3.12-${name}`;
}

/** What each path refers to. */
const references = new Map<string, string[]>();

/** A path that is new, or is known already. */
function pathOf(name: string, others: string[]): string {
  const path = storePath(name);
  references.set(path, others);
  return path;
}

/**
 * The paths of an image's layers; the last one of each is its output. Paths refer to those `changed` places
 * before, so that what refers to a path that is new is new as well.
 */
function layersOf(image: number, before: readonly string[][]): string[][] {
  const layers: string[][] = [];
  for (let layer = 0; layer < counts.layers; layer += 1) {
    const paths: string[] = [];
    for (let at = 0; at < counts.paths - 1; at += 1) {
      const kept = (at + image) % counts.changed > 0 && before[layer]?.[at];
      const others = [1, 2, 3].flatMap(each => paths[at - each * counts.changed] ?? []);
      paths.push(kept || pathOf(`package-${layer}-${at}-${image}.0`, others));
    }
    const below = layers[layer - 1]?.slice(-1) ?? [];
    const others = [...paths.slice(-counts.changed), ...below];
    layers.push([...paths, pathOf(`layer-${layer}-${image}.0`, others)]);
  }
  return layers;
}

const rowOf = rowsOfStore(path => references.get(path));

function imageOf(layers: readonly string[][], number: number): RememberedImage {
  const blobs = layers.map((paths): KnownBlob => {
    const [digest, diffId] = ['packed', 'unpacked'].map(
      each => `sha256:${hash(`${each} ${paths}`)}`,
    ) as [string, string];
    const sizes = { size: 1e8, uncompressedSize: 3e8 };
    const { zstd: mediaType } = mediaTypes.layer;
    return { kind: 'store', key: blobKey(paths), digest, diffId, ...sizes, mediaType, paths };
  });
  const outputs = layers.map((paths, at) => {
    const outPath = paths.at(-1) ?? '';
    return { outPath, row: rowOf(outPath) ?? loneRow(outPath), blobs: blobs.slice(at, at + 1) };
  });
  return { digest: `sha256:${hash(`image ${number}`)}`, outputs, blobs, roots: [] };
}

function makeMemory(): Memory {
  const images: RememberedImage[] = [];
  let layers: string[][] = [];
  for (let image = 0; image < counts.images; image += 1) {
    layers = layersOf(image, layers);
    images.unshift(imageOf(layers, image));
  }
  return { images };
}

async function timed<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  const peak = (process.resourceUsage().maxRSS / 1024).toFixed(0);
  console.log(`${what}: ${seconds} s, at most ${peak} MB of memory so far`);
  return result;
}

/** Made in a process of its own: what is measured is who reads. */
async function measure(packed: Buffer): Promise<void> {
  console.log(`the document: ${(packed.length / 1e6).toFixed(1)} MB`);
  await timed('begun', () => undefined);
  const document = await timed('unpacked', () => promisify(zstdDecompress)(packed));
  console.log(`  ${(document.length / 1e6).toFixed(1)} MB of JSON`);
  const parsed = await timed('read and checked', () => parseMemory(document, '/nix/store'));
  if (parsed.kind !== 'memory' || parsed.leftOut > 0) throw new Error('it is not all believed');
  const [image] = parsed.memory.images;
  const rows = image?.outputs.map(({ row }) => row) ?? [];
  const sizes = await timed("one image's closures", () =>
    rows.map(row => closureOfRow(row)?.length ?? 0),
  );
  console.log(`  ${sizes.reduce((sum, size) => sum + size, 0)} paths in ${sizes.length} closures`);
  const again = await timed('written', () => serializeMemory(parsed.memory));
  await timed('packed', () => promisify(zstdCompress)(again));
}

if (process.argv[2] === 'make') {
  process.stdout.write(await promisify(zstdCompress)(serializeMemory(makeMemory())));
} else {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  await measure(Buffer.concat(chunks));
}
