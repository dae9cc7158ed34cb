import { table } from '../push/table.ts';
import { type CountedRegistry, countBlobs } from './counting.ts';
import { type Engine, engines } from './engines.ts';

/** One of the images that a host pulls one after the other. */
export interface PulledImage {
  what: string;
  digest: string;
  /** Bytes of blobs that were sent when it was pushed. */
  sentBytes: number;
}

/** What a pull took. */
interface Pull {
  image: PulledImage;
  seconds: number;
  /** Of blobs that the registry served. */
  servedBytes: number;
  /** How much more there is on the host's disk. */
  grownBytes: number;
}

/** Lets hosts of each kind pull the images in turn, each host beginning with nothing. */
export async function measurePulls(
  folder: string,
  registry: string,
  name: string,
  images: readonly PulledImage[],
): Promise<Map<string, Pull[]>> {
  const counted = await countBlobs(registry);
  const pulls = new Map<string, Pull[]>();
  try {
    for (const [kind, start] of Object.entries(engines)) {
      const engine = await start(folder, counted.address);
      try {
        pulls.set(kind, await pullInTurn(engine, counted, name, images));
      } finally {
        await engine.stop();
      }
      console.error(`${kind}: done`);
    }
  } finally {
    await counted.stop();
  }
  return pulls;
}

async function pullInTurn(
  engine: Engine,
  counted: CountedRegistry,
  name: string,
  images: readonly PulledImage[],
): Promise<Pull[]> {
  const pulls: Pull[] = [];
  for (const image of images) {
    const before = { disk: engine.diskBytes(), served: counted.blobBytes() };
    const start = performance.now();
    await engine.pull(`${counted.address}/${name}`, image.digest);
    pulls.push({
      image,
      seconds: (performance.now() - start) / 1000,
      servedBytes: counted.blobBytes() - before.served,
      grownBytes: engine.diskBytes() - before.disk,
    });
  }
  return pulls;
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

/** A row for each image, a column for each kind of host: served; disk; time. */
export function pullTable(pulls: ReadonlyMap<string, readonly Pull[]>): string {
  const rows = [...pulls.values()][0] ?? [];
  return table(
    ['served; more on disk; time', 'sent by the push', ...pulls.keys()],
    rows.map(({ image }, at) => [
      image.what,
      megabytes(image.sentBytes),
      ...[...pulls.values()].map(measured => {
        const { servedBytes = 0, grownBytes = 0, seconds = 0 } = measured[at] ?? {};
        return `${megabytes(servedBytes)}; ${megabytes(grownBytes)}; ${seconds.toFixed(1)} s`;
      }),
    ]),
  );
}
