// Runs to make pages of, as large as one wants them; the same each time.

import type { BuildRecord, LayerRecord, Span } from '../../src/record/types.ts';

/** How large a run is. */
export interface RunSize {
  layers: number;
  derivations: number;
}

const hex = (number: number): string => `sha256:${number.toString(16).padStart(64, '0')}`;
const storePath = (number: number, name: string): string =>
  `/nix/store/${number
    .toString(36)
    .padStart(32, '0')
    .replaceAll(/[eotu]/g, 'x')}-${name}`;

/** Numbers in [0, 1) that look as if by chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

const names = ['torch', 'numpy', 'opencv', 'ffmpeg', 'cudnn', 'triton', 'xformers', 'gcc', 'nccl'];

/** Runs of one image, newest first; each builds some layers anew and reuses the others. */
export function sampleRuns(size: RunSize, runs: number): BuildRecord[] {
  return Array.from({ length: runs }, (_, at) => sampleRun(size, runs - at));
}

function sampleRun({ layers, derivations }: RunSize, number: number): BuildRecord {
  const random = chance(number);
  const spans: Span[] = [
    { kind: 'set-up', start: 0, seconds: 2.1 },
    { kind: 'evaluate', start: 2.1, seconds: 6.4 },
    { kind: 'memory-read', start: 2.2, seconds: 0.6 },
  ];
  let clock = 8.5;
  const perLayer = Math.ceil(derivations / Math.max(1, layers - 2));
  const made = Array.from({ length: layers }, (_, at) => {
    const isReused = at < 2 && number > 1;
    const layer = sampleLayer(at, number, isReused);
    if (isReused) return layer;
    const begun = clock;
    let end = begun;
    for (let each = 0; each < perLayer; each += 1) {
      const start = begun + Math.floor(each / 4) * 1.7;
      const seconds = 0.2 + random() * 4 * (each % 37 === 0 ? 5 : 1);
      const name = `${names[each % names.length]}-${at}.${each}.${number}`;
      const detail = storePath(at * 10_000 + each, `${name}.drv`);
      layer.builtDerivations.push({ derivation: detail, machine: '', seconds });
      spans.push({ kind: 'build', layer: layer.name, detail, start, seconds });
      end = Math.max(end, start + seconds);
    }
    const [blob] = layer.blobs;
    const packing = 3 + random() * 9;
    const about = { layer: layer.name, detail: blob?.digest ?? '' };
    spans.push({ kind: 'pack', ...about, start: end, seconds: packing });
    spans.push({ kind: 'upload', ...about, start: end + 0.4, seconds: packing + 1.5 });
    layer.seconds = end + packing + 1.9 - begun;
    layer.makingSeconds = layer.seconds;
    clock = begun + (end - begun) * 0.6;
    return layer;
  });
  const last = Math.max(...spans.map(span => span.start + span.seconds));
  spans.push({ kind: 'manifest', start: last, seconds: 0.3 });
  spans.push({ kind: 'tag', detail: 'cu130', start: last + 0.3, seconds: 0.2 });
  const size = made.flatMap(({ blobs }) => blobs).reduce((sum, blob) => sum + blob.size, 0);
  return {
    version: 2,
    outcome: number % 7 === 3 ? 'failure' : 'success',
    startedAt: new Date(Date.UTC(2026, 10, number, 9, 30)).toISOString(),
    seconds: last + 1.5,
    program: 'comfy-nix 1.0.0',
    nix: { version: '2.34.8', system: 'x86_64-linux' },
    node: 'v24.21.0',
    flake: '.#comfyui',
    image: {
      ...{ repository: 'ghcr.io/owner/comfyui', digest: hex(number), tags: ['cu130', 'latest'] },
      ...{
        movedTags: ['cu130', 'latest'],
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
      },
      ...{ size, uncompressedSize: 2.4 * size },
    },
    layers: made,
    phases: [],
    spans,
    savedSeconds: 540,
    downloadBytes: 1_200_000_000,
    readBytes: 4_000_000_000,
    packedBytes: 4_000_000_000,
    sentBytes: made.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    usage: { memory: 230_000_000, cpuSeconds: 91 },
    caches: {
      substituters: [{ cache: 'https://cache.nixos.org', paths: 412, narSize: 5_100_000_000 }],
      pushes: [],
      github: [],
      leftOut: [{ cache: 'https://dead.example', reason: 'no answer in 5 s' }],
    },
    warnings: ['Nothing is taken from https://dead.example: no answer in 5 s.'],
  };
}

function sampleLayer(at: number, number: number, isReused: boolean): LayerRecord {
  const size = Math.round(4e7 * (1 + ((at * 7) % 11) ** 2) * (isReused ? 1 : 1 + number / 200));
  const name = `layer${at}-${names[at % names.length]}`;
  return {
    name,
    target: storePath(at, `${name}.drv`),
    outPath: storePath(at + 500, name),
    origin: isReused ? 'reused' : 'built',
    seconds: 0,
    builtDerivations: [],
    substitutedPaths: [],
    downloadBytes: 0,
    readBytes: isReused ? 0 : 3 * size,
    packedBytes: isReused ? 0 : 3 * size,
    sentBytes: isReused ? 0 : size,
    packages: names.map((each, of) => ({
      name: `${each}-${at}-${of}`,
      version: `2.${of}.${isReused || of > 2 ? 0 : number}`,
    })),
    blobs: [
      {
        digest: hex(at + (isReused ? 0 : number * 1000)),
        diffId: hex(at + 90_000),
        size,
        uncompressedSize: 3 * size,
        mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
        transfer: isReused ? 'present' : 'uploaded',
      },
    ],
  };
}
