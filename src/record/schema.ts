import { auditRules, packageSources, severities } from './audit.ts';

/** The part of JSON Schema (2020-12) that the record's format needs. */
export interface Schema {
  $schema?: string;
  $id?: string;
  title?: string;
  description?: string;
  type?:
    | 'object'
    | 'array'
    | 'string'
    | 'number'
    | 'integer'
    | 'boolean'
    | 'null'
    | readonly ['string', 'null'];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  enum?: readonly string[];
  const?: number;
  pattern?: string;
  minimum?: number;
}

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', minimum: 0, description });
const bytes = (description: string): Schema => ({ type: 'integer', minimum: 0, description });
const seconds = (description: string): Schema => ({ type: 'number', minimum: 0, description });
const digest = (description: string): Schema => ({
  type: 'string',
  pattern: '^sha256:[0-9a-f]{64}$',
  description,
});

const blob: Schema = {
  type: 'object',
  required: ['digest', 'diffId', 'size', 'uncompressedSize', 'mediaType', 'transfer'],
  properties: {
    digest: digest('Of the bytes as stored.'),
    diffId: digest('Of the uncompressed tar.'),
    size: bytes('As stored.'),
    uncompressedSize: bytes('Of the uncompressed tar.'),
    mediaType: text('An OCI layer media type.'),
    transfer: {
      enum: ['uploaded', 'present', 'mounted'],
      description: 'What was done with it in this run.',
    },
  },
};

const builtDerivation: Schema = {
  type: 'object',
  required: ['derivation', 'machine', 'seconds'],
  properties: {
    derivation: text('Store path of the derivation.'),
    machine: text('The builder, as Nix names it; empty: this machine.'),
    seconds: seconds('From its start to its end.'),
  },
};

const layer: Schema = {
  type: 'object',
  required: [
    'name',
    'target',
    'outPath',
    'origin',
    'seconds',
    'builtDerivations',
    'substitutedPaths',
    'downloadBytes',
    'blobs',
  ],
  properties: {
    name: text('Unique in its image.'),
    target: {
      type: ['string', 'null'],
      description: "The target's derivation; null for a layer that the program adds.",
    },
    outPath: { type: ['string', 'null'], description: "The target's output path." },
    origin: {
      enum: ['built', 'substituted', 'local', 'reused', 'skipped'],
      description: "Where the target's own output came from.",
    },
    seconds: seconds('Union of the intervals in which something was done for this layer.'),
    builtDerivations: { type: 'array', items: builtDerivation },
    substitutedPaths: { type: 'array', items: text('A store path.') },
    downloadBytes: bytes('Downloaded by Nix for this layer.'),
    blobs: { type: 'array', items: blob },
  },
};

const image: Schema = {
  type: 'object',
  description: 'Absent when the run ended before there was one.',
  required: ['repository', 'tags', 'mediaType', 'size', 'uncompressedSize'],
  properties: {
    repository: text('For example ghcr.io/owner/name, or oci:DIR.'),
    digest: digest("The manifest's; absent when nothing was pushed."),
    tags: { type: 'array', items: text('A tag that points at it.') },
    mediaType: text("The manifest's."),
    size: bytes('Of all layers as stored.'),
    uncompressedSize: bytes('Of all layers uncompressed.'),
  },
};

/** An object that has all of these. */
const whole = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
});

const caches: Schema = {
  ...whole({
    substituters: {
      type: 'array',
      description: 'What came from each substituter.',
      items: whole({
        cache: text('Its address.'),
        paths: count('Store paths.'),
        narSize: bytes('Of the paths, unpacked.'),
      }),
    },
    pushes: {
      type: 'array',
      description: 'What each cache that is pushed to has taken.',
      items: whole({
        cache: text('Its Cachix name, or its address.'),
        pushed: count('Store paths.'),
        failed: count('Store paths.'),
        failures: {
          type: 'array',
          description: 'The first of those that failed.',
          items: whole({ path: text('A store path.'), reason: text('Why it was not pushed.') }),
        },
      }),
    },
    github: {
      type: 'array',
      description: "What GitHub's cache had for the targets that were missing.",
      items: whole({
        layer: text("The layer, or the flake's one target."),
        found: {
          enum: ['hit', 'part', 'miss'],
          description: 'All that was built for it; for its predecessor, or some of it; nothing.',
        },
      }),
    },
    leftOut: {
      type: 'array',
      description: 'Caches that were named and not used.',
      items: whole({ cache: text('Its address.'), reason: text('Why it was left out.') }),
    },
  }),
  description: 'What caches gave and took; absent when the run ended before Nix was ready.',
};

const disk: Schema = {
  ...whole({
    fileSystems: {
      type: 'array',
      items: whole({
        folder: text('A folder on it.'),
        total: bytes('Its size.'),
        peak: bytes('The most that was in use.'),
        growth: bytes('How much more that was than at the start of the run.'),
      }),
    },
    reclaimed: { type: 'array', items: text('What was removed to make room.') },
  }),
  description: 'What the run needed of the disk; absent when it was not measured.',
};

const phase: Schema = {
  type: 'object',
  required: ['phase', 'start', 'seconds'],
  properties: {
    phase: { enum: ['install', 'evaluate', 'remember', 'realise', 'push', 'finish'] },
    start: seconds("From the run's start."),
    seconds: seconds('How long it took. Phases may overlap.'),
  },
};

const auditedPackage: Schema = {
  type: 'object',
  required: ['name', 'source', 'python', 'layer'],
  properties: {
    name: text("A Python distribution's normalised name, else the derivation's pname."),
    version: text('Absent where nothing says it.'),
    source: {
      enum: packageSources,
      description: 'Where it comes from; the network when it is built, or when a container starts.',
    },
    python: { type: 'boolean', description: 'Whether it is a Python package.' },
    layer: text('The first layer that has it.'),
    derivation: text('What makes it, or runs the command that fetches it.'),
  },
};

const finding: Schema = {
  type: 'object',
  required: ['rule', 'severity', 'message', 'cost', 'advice'],
  properties: {
    rule: { enum: auditRules, description: 'What was looked for.' },
    severity: { enum: severities },
    message: text('What was found.'),
    layer: text('Absent where it concerns the image as a whole.'),
    derivation: text('Where it was found.'),
    cost: text('What it costs.'),
    advice: text('What to do.'),
  },
};

const unfreePackage: Schema = {
  type: 'object',
  required: ['name', 'licence', 'layer'],
  properties: {
    name: text('As in `packages`.'),
    version: text('As in `packages`.'),
    licence: text('As nixpkgs names it.'),
    layer: text('As in `packages`.'),
  },
};

const audit: Schema = {
  type: 'object',
  description: 'Where packages come from, and what will hurt; absent where it was not looked at.',
  required: ['layers', 'packages', 'findings', 'unfree', 'derivations', 'unchecked'],
  properties: {
    layers: {
      type: 'array',
      description: 'The lowest first.',
      items: {
        type: 'object',
        required: ['name', 'shipped'],
        properties: { name: text('Of the layer.'), shipped: { type: 'boolean' } },
      },
    },
    packages: { type: 'array', items: auditedPackage },
    findings: { type: 'array', items: finding, description: 'The worst first.' },
    unfree: { type: 'array', items: unfreePackage },
    derivations: count('Derivations that were looked at.'),
    unchecked: { type: 'array', items: text('What could not be looked at, and why.') },
  },
};

/** The format of a run's record; `docs/record.schema.json` is this value. */
export const recordSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Record of a run of comfy-nix',
  description: 'Sizes are bytes, durations are seconds. Readers ignore fields they do not know.',
  type: 'object',
  required: [
    'version',
    'outcome',
    'startedAt',
    'seconds',
    'program',
    'nix',
    'flake',
    'layers',
    'phases',
    'sentBytes',
    'warnings',
  ],
  properties: {
    version: { const: 1, description: 'Format of this document.' },
    outcome: { enum: ['success', 'failure'] },
    failure: text('The failure as people were shown it; absent on success.'),
    notPushed: text('Why nothing was pushed, where that was not the own wish of the user.'),
    notCached: text('Why no token was used and caches got nothing: the code was that of a fork.'),
    startedAt: text('RFC 3339.'),
    seconds: seconds('The whole run.'),
    program: text('Name and version of this program.'),
    nix: {
      type: 'object',
      required: ['version', 'system'],
      properties: { version: text('Of Nix.'), system: text('For example x86_64-linux.') },
    },
    flake: text('What was built.'),
    image,
    layers: { type: 'array', items: layer, description: "In the image's order, lowest first." },
    phases: { type: 'array', items: phase },
    sentBytes: bytes('Bytes of layers sent in this run.'),
    caches,
    disk,
    warnings: { type: 'array', items: text('As people were shown it.') },
    audit,
  },
};
