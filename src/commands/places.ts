import { resolve } from 'node:path';
import { localPlace } from '../registry/reference.ts';

/** An image's place, whose folder or file is meant from the working directory. */
export function absoluteImage(image: string, workingDirectory: string): string {
  const local = localPlace(image);
  return local ? `${local.kind}:${resolve(workingDirectory, local.path)}` : image;
}
