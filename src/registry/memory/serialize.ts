import { basename } from 'node:path/posix';
import type { Fields } from '../../host/foreign-value.ts';
import type {
  ImageOrigin,
  KnownBlob,
  Memory,
  RememberedImage,
  RememberedOutput,
  RememberedRecord,
} from '../remembered.ts';
import { memoryFormat, originEntries } from './document.ts';
import { NumberedPaths } from './numbered-paths.ts';
import type { WithMore } from './rows.ts';

/** Writes a memory as a document, in UTF-8; the same memory gives the same bytes. */
export function serializeMemory({ images, records = [], derivations = [], more }: Memory): Buffer {
  const paths = new NumberedPaths();
  const blobs = new Table<KnownBlob>(blob => `${blob.digest} ${blob.key}`);
  const outputs = new Table<RememberedOutput & { at: number }>(
    ({ at, blobs: carriers }) => `${at} ${carriers.map(blob => blob.digest)}`,
  );
  const roots = new Table<RememberedImage['roots'][number]>(root => root.outPath);
  const blobAt = (blob: KnownBlob) => blobs.at(blob, () => blobRow(blob, paths));
  const rows = images.map(image => {
    const { digest, config, target } = image;
    // rows with references first: what blobs hold is found among them
    const rowsOfOutputs = image.outputs.map(output => paths.at(output.row));
    const made = image.outputs.map((output, place) => {
      const at = rowsOfOutputs[place] ?? 0;
      return outputs.at({ ...output, at }, () => ({ path: at, blobs: output.blobs.map(blobAt) }));
    });
    return {
      digest,
      config,
      target: target && { path: paths.of(target.outPath), variant: target.variant },
      ...originOf(image),
      outputs: made,
      blobs: image.blobs.map(blobAt),
      roots: image.roots.map(root =>
        roots.at(root, () => ({ path: paths.of(root.outPath), tree: root.tree })),
      ),
      ...image.more,
    };
  });
  const others = {
    blobs: blobs.rows,
    outputs: outputs.rows,
    roots: roots.rows,
    images: rows,
    records: records.map(documentRow),
    ...(derivations.length > 0 ? { derivations: derivations.map(documentRow) } : {}),
    ...more,
  };
  const pieces = [Buffer.from(`{"format":${memoryFormat},"paths":[`)];
  for (const rows of paths.json()) {
    if (pieces.length > 1) pieces.push(comma);
    pieces.push(Buffer.from(rows));
  }
  pieces.push(Buffer.from(`],${JSON.stringify(others).slice(1)}`));
  return Buffer.concat(pieces);
}

const documentRow = ({ more, ...row }: RememberedRecord): Fields => ({ ...row, ...more });

const comma = Buffer.from(',');

/** In one order, whoever has put it together. */
function originOf(image: RememberedImage): Fields {
  const names = Object.keys(originEntries) as (keyof ImageOrigin)[];
  return Object.fromEntries(names.map(name => [name, image[name]]));
}

function blobRow(blob: KnownBlob, paths: NumberedPaths): Fields {
  const { key, digest, diffId, size, uncompressedSize, mediaType } = blob;
  const { roots, directories, folders, run } = blob;
  return {
    kind: blob.kind ?? kindOf(blob),
    ...{ key, digest, diffId, size, uncompressedSize, mediaType },
    paths: stepsOf(blob.paths.map(path => paths.of(path))),
    roots: roots?.map(path => paths.of(path)),
    directories,
    folders: folders?.map(({ at, from }) => ({
      at,
      from: from.map(({ outPath, below }) => `${basename(outPath)}${below && '/'}${below}`),
    })),
    run,
  };
}

function kindOf({ paths, key, diffId }: KnownBlob): NonNullable<KnownBlob['kind']> {
  if (paths.length > 0) return 'store';
  return key === diffId ? 'content' : 'streamed';
}

/** The first place, and the step to each following one: most are 1, which compresses well. */
function stepsOf(places: readonly number[]): number[] {
  const ascending = Uint32Array.from(places).sort();
  return Array.from(ascending, (place, at) => place - (ascending[at - 1] ?? 0));
}

/** A row with what another program has written of it; what it has already stays. */
const withMore = (row: Fields = {}, { more }: WithMore): Fields => ({ ...row, ...more, ...row });

/** Rows without duplicates, found again by an identity. */
class Table<Item extends WithMore> {
  readonly rows: Fields[] = [];
  private readonly indexes = new Map<string, number>();
  private readonly identity: (item: Item) => string;

  constructor(identity: (item: Item) => string) {
    this.identity = identity;
  }

  /** The item's index; its row is made when it is met for the first time. */
  at(item: Item, row: () => Fields): number {
    const identity = this.identity(item);
    const known = this.indexes.get(identity);
    const index = known ?? this.rows.push(row()) - 1;
    if (item.more) this.rows[index] = withMore(this.rows[index], item);
    this.indexes.set(identity, index);
    return index;
  }
}
