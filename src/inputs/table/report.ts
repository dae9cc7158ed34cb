import {
  automatic,
  choice,
  type InputDefinition,
  linesAs,
  list,
  path,
  text,
  textAs,
  yesOrNo,
} from '../definition.ts';
import { readDuration, readRunLimits } from '../run-limits.ts';

/** What is told of a run. */
export const reportInputs = {
  record: {
    reader: path,
    description:
      "File for the run's record in JSON; its format is `docs/record.schema.json`. " +
      'The verb audit writes what is the field "audit" there; plan writes what `docs/plan.schema.json` says.',
    verbs: ['build', 'plan', 'audit'],
  },
  audit: {
    reader: yesOrNo,
    description:
      "Whether the report says where the image's packages come from (nixpkgs, wheels, pinned " +
      'sources, the network) and what will hurt.',
    without: "Leave out where the image's packages come from, and what of them will hurt.",
    default: 'true',
    verbs: ['build'],
  },
  'audit-fail-on': {
    reader: choice(['never', 'error', 'warning']),
    description:
      'From which findings of the audit on a run fails, before anything is built: `error`, ' +
      '`warning` (and errors), or `never`.',
    default: 'never',
    verbs: ['build', 'audit'],
  },
  limits: {
    reader: linesAs(readRunLimits),
    description:
      'What a run is held to, by lines: `image-size < 12GiB`, `layer-growth < 500MiB` (of any layer ' +
      'against the last image), `pull < 1GiB` (by a host that has the last image), `sent < 2GiB`, ' +
      '`fetched < 20GiB` (by Nix), `build-time < 30m`. What is not known breaks none. Where a broken one ' +
      'fails the run, the last four are asked of what is foreseen as well.',
    verbs: ['build'],
  },
  'limits-mode': {
    reader: choice(['warn', 'fail']),
    description:
      'What a broken limit does: `warn`, or `fail`: then the run fails, and no tag moves where it is ' +
      'known before.',
    default: 'warn',
    verbs: ['build'],
  },
  'forbid-builds': {
    reader: list,
    description:
      'Derivations that must not be built, by lines or commas: names of packages (`torch`), names with ' +
      'version, or globs (`xformers*`). A run that would build one ends before it begins.',
    verbs: ['build'],
  },
  'unknown-build-time': {
    reader: textAs(readDuration),
    description:
      'What a build counts of which no record says how long it takes, where the time of a run is ' +
      'foreseen: `10m`.',
    default: '0s',
    verbs: ['build', 'plan'],
  },
  comment: {
    reader: automatic,
    description:
      'Whether a pull request gets one comment with a row for each image that its jobs build, brought ' +
      'up to date with each run: `auto` where an image is another than that of the default branch. The ' +
      'job needs `pull-requests: write`; code from a fork writes none.',
    default: 'auto',
    verbs: ['build'],
  },
  run: {
    reader: text,
    description:
      'The run that `report` tells of: the file of its record, or an image (a reference, `oci:DIR`) whose ' +
      'run is looked up in what its repository remembers; without a tag the last run there.',
    verbs: ['report'],
  },
  markdown: {
    reader: yesOrNo,
    description: "Whether `report` prints Markdown, as in a job's summary.",
    default: 'false',
    verbs: ['report'],
  },
  trace: {
    reader: path,
    description:
      "File for what `report` tells as a trace in Chrome's format, which Perfetto and other viewers open.",
    verbs: ['report'],
  },
  html: {
    reader: path,
    description:
      'File for what `report` tells as one web page: the time line, layers and packages against last time, ' +
      'the last runs. It needs no network.',
    verbs: ['report'],
  },
} as const satisfies Record<string, InputDefinition>;
