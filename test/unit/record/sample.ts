import type { BuildOutcome } from '../../../src/commands/outcome.ts';
import type { BuildRecord, CachesRecord, LayerRecord } from '../../../src/record/types.ts';

const hex = (digit: string) => `sha256:${digit.repeat(64)}`;

/** A layer of a record; what is not given is that of a reused layer without anything done. */
export function sampleLayer(layer: Partial<LayerRecord> & { name: string }): LayerRecord {
  return {
    target: `/nix/store/${'a'.repeat(32)}-${layer.name}.drv`,
    outPath: `/nix/store/${'b'.repeat(32)}-${layer.name}`,
    origin: 'reused',
    seconds: 0,
    builtDerivations: [],
    substitutedPaths: [],
    downloadBytes: 0,
    readBytes: 0,
    packedBytes: 0,
    sentBytes: 0,
    blobs: [],
    ...layer,
  };
}

const sampleCaches: CachesRecord = {
  substituters: [{ cache: 'https://cache.nixos.org', paths: 12, narSize: 1_240_000_000 }],
  pushes: [
    { cache: 'mine', pushed: 1, failed: 0, failures: [] },
    {
      cache: 's3://bucket',
      pushed: 3,
      failed: 2,
      failures: [{ path: `/nix/store/${'d'.repeat(32)}-torch`, reason: 'HTTP 413' }],
    },
  ],
  github: [
    { layer: 'layer2-wheels', found: 'hit' },
    { layer: 'layer3-pytorch', found: 'miss' },
  ],
  leftOut: [{ cache: 'https://dead.example', reason: 'no answer in 5 s' }],
};

const sampleDisk: NonNullable<BuildRecord['disk']> = {
  fileSystems: [
    { folder: '/nix/store', total: 84e9, peak: 34.2e9, growth: 12.1e9 },
    { folder: '/tmp', total: 8e9, peak: 1e9, growth: 0 },
  ],
  reclaimed: ['CodeQL', '.NET'],
};

/** A successful run: one layer reused, one built and sent, one skipped. */
export function sampleRecord(changes: Partial<BuildRecord> = {}): BuildRecord {
  const blob = {
    digest: hex('1'),
    diffId: hex('2'),
    size: 1_500_000,
    uncompressedSize: 4_000_000,
    mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd',
    transfer: 'present',
  } as const;
  const built = {
    derivation: `/nix/store/${'c'.repeat(32)}-torch-2.9.0.drv`,
    machine: '',
    seconds: 61.5,
  };
  return {
    version: 2,
    outcome: 'success',
    startedAt: '2026-11-22T10:00:00.000Z',
    seconds: 75.25,
    program: 'comfy-nix 1.0.0',
    nix: { version: '2.34.8', system: 'x86_64-linux' },
    node: 'v24.19.2',
    flake: '.#comfyui',
    image: {
      repository: 'ghcr.io/o/comfyui',
      digest: hex('3'),
      tags: ['cu130', 'latest'],
      movedTags: ['cu130', 'latest'],
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      size: 2_003_500_000,
      uncompressedSize: 6_000_000_000,
    },
    layers: [
      sampleLayer({ name: 'layer0-base', blobs: [blob] }),
      sampleLayer({ name: 'layer2-wheels', origin: 'skipped' }),
      sampleLayer({
        name: 'layer3-pytorch',
        origin: 'built',
        seconds: 74,
        makingSeconds: 74,
        readBytes: 4_000_000,
        packedBytes: 4_000_000,
        sentBytes: 2_002_000_000,
        builtDerivations: [built],
        blobs: [{ ...blob, digest: hex('4'), size: 2_002_000_000, transfer: 'uploaded' }],
      }),
    ],
    phases: [
      { phase: 'evaluate', start: 0, seconds: 0.4 },
      { phase: 'realise', start: 0.5, seconds: 62 },
    ],
    spans: [
      { kind: 'evaluate', start: 0, seconds: 0.4 },
      {
        ...{ kind: 'build', layer: 'layer3-pytorch', detail: built.derivation },
        ...{ start: 0.5, seconds: 61.5 },
      },
      {
        ...{ kind: 'upload', layer: 'layer3-pytorch', detail: hex('4'), bytes: 2_002_000_000 },
        ...{ start: 62.5, seconds: 12 },
      },
    ],
    downloadBytes: 0,
    readBytes: 4_000_000,
    packedBytes: 4_000_000,
    sentBytes: 2_002_000_000,
    usage: { memory: 210_000_000, cpuSeconds: 14.2 },
    caches: sampleCaches,
    disk: sampleDisk,
    warnings: [],
    ...changes,
  };
}

/** What a verb that failed hands back: its record, and nothing that was pushed. */
export function failedOutcome(record: BuildRecord): BuildOutcome {
  return { record, outputs: { name: '', tags: [], layers: [], timings: {} } };
}
