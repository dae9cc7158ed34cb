import { onceEach } from '../host/once.ts';
import { digestOf } from '../image/digest.ts';
import type { OfferedFile } from './index-page.ts';
import { readMetadataInside } from './remote-metadata.ts';
import type { Web } from './web.ts';

/** Where indexes have a wheel's METADATA, if they have it; else it is read from the wheel there. */
export const metadataOf = (url: string): Place => ({ url: `${url}.metadata`, sha256: undefined });

/** The METADATA of wheels, as far as it could be read. */
interface MetadataOf<Wheel> {
  texts: Map<Wheel, string>;
  /** Wheels of which no server told whether it is there. */
  unread: number;
}

/** Reads METADATA files. */
export type ReadMetadata = <Wheel extends { metadata: OfferedFile['metadata'] }>(
  wheels: readonly Wheel[],
) => Promise<MetadataOf<Wheel>>;

/** Reads the METADATA files of a run's wheels; those with the same digest are read once. */
export function metadataReader(web: Web): ReadMetadata {
  const read = onceEach(
    ({ url, sha256 }: Place) => sha256 ?? url,
    place => readMetadata(place, web),
  );
  return async wheels => {
    const answers = await Promise.all(
      wheels.map(async wheel => ({ wheel, text: wheel.metadata && (await read(wheel.metadata)) })),
    );
    return {
      texts: new Map(
        answers.flatMap(({ wheel, text }) => (text?.told ? [[wheel, text.told]] : [])),
      ),
      unread: answers.filter(({ text }) => text?.told === null).length,
    };
  };
}

type Place = NonNullable<OfferedFile['metadata']>;

/** Undefined where the server does not have it, null where it did not tell. */
interface Told {
  told: string | undefined | null;
}

async function readMetadata({ url, sha256 }: Place, web: Web): Promise<Told> {
  try {
    const { status, body } = await web.read(url, '*/*');
    if (status === 429 || status >= 500) return { told: null };
    if (status !== 200)
      return { told: await readMetadataInside(url.replace(/\.metadata$/, ''), web) };
    return { told: isRight(body, sha256) ? body.toString() : undefined };
  } catch {
    web.signal?.throwIfAborted();
    return { told: null };
  }
}

const isRight = (body: Buffer, sha256: string | undefined) =>
  sha256 === undefined || digestOf(body) === `sha256:${sha256}`;
