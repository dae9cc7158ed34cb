import { resolve } from 'node:path';

/** An image's place, whose folder or file is meant from the working directory. */
export function absoluteImage(image: string, workingDirectory: string): string {
  const [, kind, path] = /^(oci|docker-archive):(.*)$/s.exec(image) ?? [];
  return kind === undefined || path === undefined
    ? image
    : `${kind}:${resolve(workingDirectory, path)}`;
}
