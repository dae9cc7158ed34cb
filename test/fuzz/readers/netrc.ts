import fc from 'fast-check';
import { netrcLogin } from '../../../src/caches/netrc.ts';
import { readAnswers } from '../../../src/caches/probe-memory.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const words = fc.constantFrom(
  ...['machine', 'default', 'login', 'password', 'account', 'macdef', 'a.example', '#', '"', '\\'],
  ...['"quoted \\" text"', '"open', 'MACHINE', '__proto__', '\n', '\r\n', '\n\n', '\t', '\0'],
);
const text = fc
  .array(fc.oneof(words, fc.string({ unit: 'binary', maxLength: 8 })))
  .map(all => all.join(' '));

const answers = fc.oneof(
  fc.json(),
  fc.string(),
  fc.constantFrom(
    'null',
    '[]',
    '{"a":{"reason":1}}',
    '{"__proto__":null}',
    '{"a":{"reason":"x","wantsLogin":true,"stalls":false}}',
  ),
);

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'a netrc file',
    cases: text,
    read: each => netrcLogin(each, 'a.example'),
    broken: ['machine', 'machine a.example login', `${'"'.repeat(5_000)}`, 'macdef x'],
  }),
  fuzzed({
    name: 'what a job remembers of its caches',
    cases: answers,
    read: readAnswers,
    broken: ['null', '0', '{"a":null}'],
  }),
];
