import fc from 'fast-check';
import { githubContext, parsePayload } from '../../../src/inputs/context.ts';
import { events, readTrustedEvents } from '../../../src/inputs/events.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const event = fc.oneof(
  fc.constantFrom(...Object.keys(events), 'deployment', '', 'constructor', '__proto__'),
  fc.string(),
);

/** Values of other types. */
const odd = fc.constantFrom(null, 0, -1, '', 'x', true, [], {}, [null], { head: null });

const name = fc.oneof(
  fc.constantFrom('o/comfy', 'O/Comfy', 'other/comfy', 'a/b\n::error::x', null),
  odd,
);

const ref = fc.constantFrom(
  'refs/heads/main',
  'refs/pull/7/merge',
  'refs/heads/gh-readonly-queue/main/pr-7',
  undefined,
);

/** Payloads with the fields that are read, right and wrong. */
const payload = fc.record(
  {
    pull_request: fc.oneof(
      odd,
      fc.record({ head: fc.record({ repo: fc.record({ full_name: name }) }) }),
    ),
    issue: fc.oneof(odd, fc.record({ pull_request: odd })),
    workflow_run: fc.oneof(
      odd,
      fc.record(
        {
          event,
          head_branch: fc.oneof(odd, fc.constant('gh-readonly-queue/x')),
          head_repository: fc.record({ full_name: name }),
        },
        { requiredKeys: [] },
      ),
    ),
  },
  { requiredKeys: [] },
);

const text = fc.oneof(
  payload.map(value => JSON.stringify(value)),
  // cut short, as by a full disk
  fc.tuple(payload, fc.nat(200)).map(([value, end]) => JSON.stringify(value).slice(0, end)),
  fc.string(),
  fc.nat(300).map(depth => '[{"pull_request":'.repeat(depth)),
);

export const readers: FuzzedReader[] = [
  fuzzed({
    name: "an event's payload",
    cases: fc.record({ event, ref, text }),
    read: input =>
      githubContext(
        {
          GITHUB_EVENT_NAME: input.event,
          GITHUB_REPOSITORY: 'o/comfy',
          GITHUB_REF: input.ref,
        },
        parsePayload(input.text),
      ),
    broken: [
      { event: 'workflow_run', ref: undefined, text: '{"workflow_run":null}' },
      { event: 'constructor', ref: undefined, text: 'null' },
    ],
  }),
  fuzzed({
    name: 'the input trust-event',
    cases: fc.array(event),
    read: readTrustedEvents,
  }),
];
