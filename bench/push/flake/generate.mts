// The builder of every derivation of the benchmark's flake: writes a tree from a description, the same
// bytes each time. Called by Nix as: node generate.mts SEED PARTS, with the output's path in $out.
import { spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, cpSync, linkSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A part of a package's tree. */
export type Part =
  /** Files of made-up content, `bytes` in all; `links` more hard links to each. */
  | {
      kind: 'library' | 'python' | 'packed';
      at: string;
      bytes: number;
      files: number;
      links?: number;
    }
  /** A copy of a folder of the machine. */
  | { kind: 'copy'; from: string; at: string }
  /** What a wheel of the machine holds. */
  | { kind: 'wheel'; from: string; at: string }
  /** A file that refers to other packages. */
  | { kind: 'references'; at: string; paths: string[] };

type Fill = (buffer: Buffer) => void;

const seedOf = (text: string) => createHash('sha256').update(text).digest();

/** Numbers of 32 bits (xorshift, Marsaglia). */
function numbers(seed: Buffer): () => number {
  let state = seed.readUInt32LE() | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** What has been compressed already: random. */
function packed(seed: Buffer): Fill {
  const cipher = createCipheriv('aes-128-ctr', seed.subarray(0, 16), seed.subarray(16));
  const zeros = Buffer.alloc(1 << 20);
  return buffer => {
    for (let at = 0; at < buffer.length; at += zeros.length) {
      cipher.update(zeros.subarray(0, buffer.length - at)).copy(buffer, at);
    }
  };
}

/** Bytes of a stretch of a library, and of them those that are packed. */
const stretch = { bytes: 256 << 10, packed: 96 << 10 };

/** Like a library of CUDA's: machine code, and between it kernels that are packed already. */
function library(seed: Buffer): Fill {
  const [fillPacked, fillCode] = [packed(seed), code(seed)];
  return buffer => {
    for (let at = 0; at < buffer.length; at += stretch.bytes) {
      const part = buffer.subarray(at, at + stretch.bytes);
      fillPacked(part.subarray(0, stretch.packed));
      fillCode(part.subarray(stretch.packed));
    }
  };
}

/**
 * Like machine code: phrases of a few words, some of them much more frequent than others, and after
 * each a word that is like no other. zstd and gzip at level 1 leave 32 and 42 % of it, at about the
 * speed that they have with a real program (Node's: 39 and 40 %).
 */
function code(seed: Buffer): Fill {
  const next = numbers(seed);
  const phrases = Array.from({ length: 1024 }, () =>
    Uint32Array.from({ length: 2 + (next() % 6) }, next),
  );
  return buffer => {
    const words = new Uint32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2);
    for (let at = 0; at < words.length; ) {
      const draw = next();
      // the least of three draws: low numbers come more often
      const index = Math.min(draw & 1023, (draw >>> 10) & 1023, (draw >>> 20) & 1023);
      for (const word of phrases[index] ?? []) words[at++] = word;
      words[at++] = next();
    }
    buffer.fill(0, buffer.length & ~3);
  };
}

/** Like source text: words of a vocabulary with separators. */
function python(seed: Buffer): Fill {
  const next = numbers(seed);
  const word = () => Buffer.from((next() % 36 ** 5).toString(36).slice(next() % 3));
  const vocabulary = Array.from({ length: 1024 }, word);
  const separators = [' ', '.', ', ', '\n    ', '(', ') = ', '\n        self.', ':\n'].map(text =>
    Buffer.from(text),
  );
  return buffer => {
    for (let at = 0; at < buffer.length; ) {
      const draw = next();
      const index = Math.min(draw & 1023, (draw >>> 10) & 1023);
      at += vocabulary[index]?.copy(buffer, at) ?? 0;
      at += separators[draw >>> 29]?.copy(buffer, at) ?? 0;
    }
  };
}

const fills = { library, python, packed };

/** Sizes of so many files, `bytes` in all: many small ones, few large. */
function sizes(bytes: number, files: number, next: () => number): number[] {
  const weights = Array.from({ length: files }, () => 1 / (0.02 + (next() % 1000) / 1000));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map(weight => Math.round((bytes * weight) / total));
}

function writeFiles(out: string, seedText: string, part: Extract<Part, { bytes: number }>): void {
  const seed = seedOf(`${seedText} ${part.at}`);
  const next = numbers(seed);
  const fill = fills[part.kind](seed);
  const buffer = Buffer.allocUnsafeSlow(4 << 20);
  for (const [index, size] of sizes(part.bytes, part.files, next).entries()) {
    const name = `${part.at}${part.files === 1 ? '' : `/part${index >> 6}/module${index}.py`}`;
    const file = join(out, name);
    mkdirSync(dirname(file), { recursive: true });
    const descriptor = openSync(file, 'w');
    for (let left = size; left > 0; ) {
      const piece = buffer.subarray(0, left);
      fill(piece);
      left -= writeSync(descriptor, piece);
    }
    closeSync(descriptor);
    for (let link = 1; link <= (part.links ?? 0); link++) linkSync(file, `${file}.${link}`);
  }
}

function unpack(wheel: string, folder: string): void {
  const args = ['-m', 'zipfile', '-e', wheel, folder];
  const { status, error } = spawnSync('/usr/bin/python3', args, { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`${wheel} cannot be unpacked`);
}

function writePart(out: string, seed: string, part: Part): void {
  const file = join(out, part.at);
  mkdirSync(dirname(file), { recursive: true });
  if (part.kind === 'wheel') unpack(part.from, file);
  else if (part.kind === 'copy')
    cpSync(part.from, file, { recursive: true, verbatimSymlinks: true });
  else if (part.kind === 'references') {
    const descriptor = openSync(file, 'w');
    writeSync(descriptor, part.paths.join('\n'));
    closeSync(descriptor);
  } else writeFiles(out, seed, part);
}

const { out } = process.env;
const [seed = '', parts = '[]'] = process.argv.slice(2);
if (out === undefined) throw new Error('this program is run by Nix');
for (const part of JSON.parse(parts) as Part[]) writePart(out, seed, part);
