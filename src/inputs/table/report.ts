import { automatic, choice, type InputDefinition, path, yesOrNo } from '../definition.ts';

/** What is told of a run. */
export const reportInputs = {
  record: {
    reader: path,
    description:
      "File for the run's record in JSON; its format is `docs/record.schema.json`. " +
      '`audit` writes what is the field `audit` there.',
    verbs: ['build', 'audit'],
  },
  audit: {
    reader: yesOrNo,
    description:
      "Whether the report says where the image's packages come from (nixpkgs, wheels, pinned " +
      'sources, the network) and what will hurt.',
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
  comment: {
    reader: automatic,
    description:
      'Whether a pull request gets one comment with a row for each image that its jobs build, brought ' +
      'up to date with each run: `auto` where an image is another than that of the default branch. The ' +
      'job needs `pull-requests: write`; code from a fork writes none.',
    default: 'auto',
    verbs: ['build'],
  },
} as const satisfies Record<string, InputDefinition>;
