import { Failure } from '../host/failure.ts';
import { type ContainerConfig, type Descriptor, type Manifest, mediaTypes } from './types.ts';

/** What an image's config says. */
export interface ImageConfigParts {
  config: ContainerConfig;
  /** Added to (and winning over) the config's own. */
  labels: Readonly<Record<string, string>>;
  /** RFC 3339; "now" is resolved before. */
  created: string;
  /** OCI's name, see {@link architectureOf}. */
  architecture: string;
  /** In order, lowest first, one per blob. */
  layers: readonly { name: string; diffId: string }[];
}

/**
 * OCI's (Go's) name for the processor of a Nix system; throws a {@link Failure} if there is none.
 */
export function architectureOf(system: string): string {
  const names: Record<string, string> = {
    'x86_64-linux': 'amd64',
    'aarch64-linux': 'arm64',
    'i686-linux': '386',
    'armv7l-linux': 'arm',
    'riscv64-linux': 'riscv64',
    'powerpc64le-linux': 'ppc64le',
    's390x-linux': 's390x',
  };
  const architecture = names[system];
  if (architecture) return architecture;
  throw new Failure(`Images cannot be made for the system ${system}.`, {
    next: `Evaluate the flake for one of: ${Object.keys(names).join(', ')}.`,
  });
}

/** The bytes of an OCI image config (image-spec, config.md): fixed field order, sorted maps. */
export function imageConfig(parts: ImageConfigParts): Buffer {
  const { created, architecture, layers } = parts;
  return json({
    created,
    architecture,
    os: 'linux',
    config: containerConfig(parts.config, parts.labels),
    rootfs: { type: 'layers', diff_ids: layers.map(layer => layer.diffId) },
    history: layers.map(layer => ({ created, created_by: `comfy-nix ${layer.name}` })),
  });
}

function containerConfig(config: ContainerConfig, labels: Readonly<Record<string, string>>) {
  const allLabels = { ...config.Labels, ...labels };
  return {
    User: config.User,
    ExposedPorts: sortKeys(config.ExposedPorts),
    Env: config.Env,
    Entrypoint: config.Entrypoint,
    Cmd: config.Cmd,
    Volumes: sortKeys(config.Volumes),
    WorkingDir: config.WorkingDir,
    Labels: Object.keys(allLabels).length === 0 ? undefined : sortKeys(allLabels),
    StopSignal: config.StopSignal,
    ArgsEscaped: config.ArgsEscaped,
    Memory: config.Memory,
    MemorySwap: config.MemorySwap,
    CpuShares: config.CpuShares,
    Healthcheck: config.Healthcheck,
    Shell: config.Shell,
    OnBuild: config.OnBuild,
    StopTimeout: config.StopTimeout,
    Hostname: config.Hostname,
    Domainname: config.Domainname,
    NetworkDisabled: config.NetworkDisabled,
    AttachStdin: config.AttachStdin,
    AttachStdout: config.AttachStdout,
    AttachStderr: config.AttachStderr,
    Tty: config.Tty,
    OpenStdin: config.OpenStdin,
    StdinOnce: config.StdinOnce,
  };
}

/** The bytes of an OCI image manifest (image-spec, manifest.md). */
export function manifest(parts: {
  config: Descriptor;
  layers: readonly Descriptor[];
  annotations?: Readonly<Record<string, string>>;
}): Buffer {
  const annotations = sortKeys(parts.annotations);
  const value: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptor(parts.config),
    layers: parts.layers.map(descriptor),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
  return json(value);
}

function descriptor({ mediaType, digest, size, annotations }: Descriptor): Descriptor {
  const sorted = sortKeys(annotations);
  return { mediaType, digest, size, ...(sorted ? { annotations: sorted } : {}) };
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

function sortKeys<T>(map: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined {
  return map && Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
