/** One output of the action. */
interface OutputDefinition {
  description: string;
  /** How its value becomes text: as it is, a list of texts by lines, or JSON. */
  format: 'text' | 'lines' | 'json';
}

/** The action's outputs. */
export const outputs = {
  name: { format: 'text', description: 'The repository, without tag or digest.' },
  digest: {
    format: 'text',
    description: "The manifest's digest; empty when nothing was pushed.",
  },
  ref: {
    format: 'text',
    description: '`name@digest`, for later steps; empty when nothing was pushed.',
  },
  tags: { format: 'lines', description: 'The tags that point at it, by lines.' },
  imageid: {
    format: 'text',
    description: 'The image ID: the digest of its config, which `docker inspect` shows as `Id`.',
  },
  metadata: {
    format: 'json',
    description:
      "JSON object as docker/build-push-action's: `containerimage.digest`, " +
      '`containerimage.config.digest`, `containerimage.descriptor`, `image.name`.',
  },
  size: { format: 'text', description: 'Bytes of all layers as stored, which a new host pulls.' },
  reused: {
    format: 'text',
    description:
      'Whether every layer was reused, so that nothing was built or sent for the image: `true` or ' +
      '`false`.',
  },
  layers: {
    format: 'json',
    description: 'JSON list of layers: `name`, `origin`, `seconds`, `size`, `sent` (bytes).',
  },
  timings: { format: 'json', description: 'JSON object: seconds of each phase, and `total`.' },
  record: { format: 'text', description: "The record's file, when the input `record` names one." },
  plan: {
    format: 'json',
    description: 'What `plan` tells, as JSON; its format is `docs/plan.schema.json`.',
  },
  matrix: {
    format: 'json',
    description:
      'The images of `plan` that have something to be done for, for `strategy.matrix`: a row has `flake`, ' +
      "`image`, `tags`, `variant`, and what its recipe's `matrix` has.",
  },
  any: {
    format: 'text',
    description: 'Whether the matrix has a row: `true` or `false`. Without one it makes no jobs.',
  },
  count: { format: 'text', description: 'How many rows the matrix has.' },
  'up-to-date': {
    format: 'text',
    description:
      'Whether `plan` has found nothing to do for any of the images: `true` or `false`. What is not known is not up to date.',
  },
  changed: {
    format: 'text',
    description: 'Whether `prefetch` changed the lock: `true` or `false`.',
  },
  changes: { format: 'text', description: 'What `prefetch` changed, as a Markdown list.' },
  findings: {
    format: 'json',
    description: 'JSON list of what the audit found: `rule`, `severity`, `message`, `layer` …',
  },
  reproducible: {
    format: 'text',
    description: "The share of the packages that is pinned, in percent: the audit's.",
  },
} as const satisfies Record<string, OutputDefinition>;

type Outputs = typeof outputs;
export type OutputName = keyof Outputs;

interface Formats {
  text: string | number | boolean;
  lines: readonly string[];
  json: object;
}

/** What a verb gives for later steps; undefined: nothing. */
export type OutputValues = {
  readonly [Name in OutputName]?: Formats[Outputs[Name]['format']] | undefined;
};

/** An output's value as the runner takes it; where there is none it is empty. */
export function outputText(name: OutputName, value: unknown): string {
  if (value === undefined) return '';
  const { format } = outputs[name];
  if (format === 'lines' && Array.isArray(value)) return value.join('\n');
  return format === 'json' ? JSON.stringify(value) : String(value);
}
