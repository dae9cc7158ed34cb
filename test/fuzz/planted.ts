// Readers with one fault each, to see that the harness reports it.

import fc from 'fast-check';
import { Failure } from '../../src/host/failure.ts';
import { fuzzed } from './reader.ts';

let thrown = false;

export const readers = [
  fuzzed({
    name: 'right',
    cases: fc.nat(),
    read(input) {
      if (input % 2 === 1) throw new Failure('It is odd.');
      return input;
    },
  }),
  fuzzed({
    name: 'type error',
    cases: fc.nat(1000),
    read(input) {
      if (input > 700) throw new TypeError('too much');
    },
  }),
  fuzzed({
    name: 'late type error',
    cases: fc.nat(1000),
    async read(input) {
      await undefined;
      if (input > 700) throw new TypeError('too late');
    },
  }),
  fuzzed({
    name: 'hangs',
    cases: fc.nat(1000),
    read(input) {
      while (input > 700);
    },
  }),
  fuzzed({
    name: 'hangs while the case is made smaller',
    cases: fc.nat(1000),
    read(input) {
      while (thrown);
      thrown = input > 700;
      if (thrown) throw new TypeError('before');
    },
  }),
  fuzzed({
    name: 'never answers',
    cases: fc.nat(1000),
    read: input => (input > 700 ? new Promise(() => {}) : input),
  }),
  fuzzed({
    name: 'exits',
    cases: fc.nat(1000),
    read(input) {
      if (input > 700) process.exit(0);
    },
  }),
  fuzzed({
    name: 'rejects nobody',
    cases: fc.nat(1000),
    async read(input) {
      if (input > 700) void Promise.reject(new Error('nobody'));
      await new Promise(done => setImmediate(done));
    },
  }),
  fuzzed({
    name: 'takes all memory',
    cases: fc.nat(1000),
    read(input) {
      const kept: number[][] = [];
      while (input > 700) kept.push(new Array(100_000).fill(input));
      return kept;
    },
  }),
  fuzzed({
    name: 'broken once',
    cases: fc.nat(1000),
    broken: [4711],
    read(input) {
      if (input === 4711) throw new RangeError('again');
    },
  }),
];
