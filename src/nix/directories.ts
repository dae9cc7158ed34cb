import { limits } from '../host/limits.ts';
import type { ImageDirectory } from '../image/types.ts';
import {
  type Found,
  mismatch,
  readList,
  readOwner,
  readSet,
  readString,
  refuseTwice,
  required,
} from './shape.ts';

const fields = ['path', 'mode', 'uid', 'gid'] as const;

/** Reads the recipe's `directories`: folders of the image that are no links, each path once. */
export function readDirectories(found: Found): ImageDirectory[] {
  const directories = readList(found, readDirectory);
  refuseTwice(
    found,
    'path',
    directories.map(({ path }) => path),
  );
  return directories;
}

function readDirectory(found: Found): ImageDirectory {
  const field = readSet(found, fields);
  const mode = field('mode');
  const uid = field('uid');
  const gid = field('gid');
  return {
    path: readImagePath(required(found, 'path', field('path'))),
    mode: mode ? readString(mode, /^[0-7]{3,4}$/, 'octal digits such as "1777"') : '0755',
    uid: uid ? readOwner(uid) : 0,
    gid: gid ? readOwner(gid) : 0,
  };
}

/** A path of the image: absolute, below / without "..", "." or empty parts, that no engine takes for something else. */
export function readImagePath(found: Found): string {
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
