import { choice, type InputDefinition, listAs, yesOrNo } from '../definition.ts';
import { readTrustedEvents } from '../events.ts';
import { verbNames } from '../verbs.ts';

/** What is to be done, and how far it goes. */
export const taskInputs = {
  command: {
    reader: choice(verbNames),
    description: 'What to do.',
    default: 'build',
    only: 'action',
    verbs: 'face',
  },
  check: {
    reader: yesOrNo,
    description:
      'Whether nothing is changed: `prefetch` fails where the lock is not what it would write; `setup` ' +
      'says what it would write where, and what is in effect.',
    default: 'false',
    verbs: ['prefetch', 'setup'],
  },
  undo: {
    reader: yesOrNo,
    description:
      'Whether `setup` takes back what it has written on this machine for this account. A job takes ' +
      'back by itself what it has written.',
    default: 'false',
    verbs: ['setup'],
  },
  'dry-run': {
    reader: yesOrNo,
    description:
      'Whether `build` only tells what it would do, as the verb plan does, and does nothing of it.',
    default: 'false',
    verbs: ['build'],
  },
  'exit-code': {
    reader: yesOrNo,
    description: 'Whether `plan` ends with the exit code 3 where there is something to do.',
    default: 'false',
    verbs: ['plan'],
  },
  'trust-event': {
    reader: listAs((_, events) => readTrustedEvents(events)),
    description:
      'Events of a workflow that are taken for code of this repository although this program cannot ' +
      'tell whose code they run, such as `merge_group`: see docs/events.md.',
    verbs: 'face',
  },
} as const satisfies Record<string, InputDefinition>;
