import { choice, type InputDefinition, path, yesOrNo } from '../definition.ts';

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
} as const satisfies Record<string, InputDefinition>;
