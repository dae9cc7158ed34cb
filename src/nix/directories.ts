import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import type { ImageDirectory } from '../image/types.ts';
import {
  type Found,
  mismatch,
  readList,
  readOwner,
  readSet,
  readString,
  required,
} from './shape.ts';

const fields = ['path', 'mode', 'uid', 'gid'] as const;

/** Reads the recipe's `directories`: folders of the image that are no links, each path once. */
export function readDirectories(found: Found): ImageDirectory[] {
  const directories = readList(found, readDirectory);
  const seen = new Map<string, number>();
  for (const [index, { path }] of directories.entries()) {
    const before = seen.get(path);
    if (before !== undefined) {
      throw new Failure(
        `${found.at}[${index}].path: "${path}" is also the path of ${found.at}[${before}]`,
        { next: 'Name each folder once.' },
      );
    }
    seen.set(path, index);
  }
  return directories;
}

function readDirectory(found: Found): ImageDirectory {
  const field = readSet(found, fields);
  const mode = field('mode');
  const uid = field('uid');
  const gid = field('gid');
  return {
    path: readPath(required(found, 'path', field('path'))),
    mode: mode ? readString(mode, /^[0-7]{3,4}$/, 'octal digits such as "1777"') : '0755',
    uid: uid ? readOwner(uid) : 0,
    gid: gid ? readOwner(gid) : 0,
  };
}

/** An absolute path below / without "..", "." or empty parts, that no engine takes for something else. */
function readPath(found: Found): string {
  const path = readString(
    found,
    /^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/,
    'an absolute path such as "/tmp"',
  );
  const parts = path.split('/');
  if (parts.some(part => part.startsWith('.wh.'))) {
    throw mismatch(found, 'a path without names that begin with ".wh.", which delete others');
  }
  if (parts.some(part => Buffer.byteLength(part) > limits.fileName)) {
    throw mismatch(found, `a path of names that have at most ${limits.fileName} bytes`);
  }
  if (/^\/nix\/store(\/|$)/.test(path)) throw mismatch(found, 'a path outside of the Nix store');
  return path;
}
