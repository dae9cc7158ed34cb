import { onceEach } from '../host/once.ts';
import { digestOf } from '../image/digest.ts';
import type { OfferedFile } from './index-page.ts';
import type { Web } from './web.ts';

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
    const isRight = sha256 === undefined || digestOf(body) === `sha256:${sha256}`;
    return { told: status === 200 && isRight ? body.toString() : undefined };
  } catch {
    web.signal?.throwIfAborted();
    return { told: null };
  }
}
