import type { BuildRecord } from '../record/types.ts';
import { pullNote } from './layers.ts';

/** What can be done with an image. */
export interface NextSteps {
  /** Lines for a shell that get the image and run it. */
  commands: string[];
  /** Sentences. */
  notes: string[];
}

/** How the image of a run is pulled, run and deployed; undefined where there is none. */
export function nextSteps(record: BuildRecord): NextSteps | undefined {
  const { image } = record;
  if (image?.digest === undefined) return undefined;
  const note = pullNote(record);
  const notes = note === undefined ? [] : [note];
  const [, kind, place = ''] = /^(oci|docker-archive):(.*)$/s.exec(image.repository) ?? [];
  if (kind === 'docker-archive') {
    return { commands: [`docker load --input ${quoted(place)}`], notes };
  }
  if (kind === 'oci') {
    const [tag] = image.tags;
    const from = quoted(`oci:${place}${tag === undefined ? '' : `:${tag}`}`);
    return { commands: [`skopeo copy ${from} docker-daemon:NAME:TAG`], notes };
  }
  if (image.repository === '-') return { commands: [], notes };
  const name = quoted(`${image.repository}@${image.digest}`);
  return {
    commands: [`docker pull ${name}`, `docker run --gpus all --rm ${name}`],
    notes: [
      `Deploy it by this name: a tag may move, and the digest is these bytes for ever.`,
      ...notes,
    ],
  };
}

/** A word of a shell's command. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
