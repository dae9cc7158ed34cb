import { choice, type InputDefinition, path, text, yesOrNo } from '../definition.ts';

/** What is told of a run. */
export const reportInputs = {
  record: {
    reader: path,
    description:
      "File for the run's record in JSON; its format is `docs/record.schema.json`. " +
      'The verb audit writes what is the field "audit" there.',
    verbs: ['build', 'audit'],
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
