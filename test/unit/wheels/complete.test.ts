import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followRequirements, type Member } from '../../../src/wheels/complete.ts';

const variant = { system: 'x86_64-linux', cuda: 'cu130', python: '3.13' };

/** A wheel of the version 1.0 that requires these. */
const wheel = (...requires: string[]): Member => ({
  version: '1.0',
  metadata: ['Name: x', ...requires.map(each => `Requires-Dist: ${each}`), ''].join('\n'),
  ignoredRequirements: [],
});

function follow(
  members: Record<string, Member>,
  roots: string[],
  more: {
    provided?: [string, string | undefined][];
    skipped?: [string, string | undefined][];
  } = {},
) {
  const { missing, requiredBy } = followRequirements({
    variant,
    members: new Map(Object.entries(members)),
    roots: roots.map(root => {
      const [name = '', ...extras] = root.split('+');
      return { by: 'list.txt:1', shortly: 'list.txt', requirement: { name, extras, versions: '' } };
    }),
    provided: new Map(more.provided),
    skipped: new Map(more.skipped),
  });
  return {
    missing: missing.map(({ by, requirement, found }) => [by, requirement.name, found]),
    requiredBy: Object.fromEntries(requiredBy),
  };
}

test('who requires each wheel, around circles, with the extras that are asked for', () => {
  const members = {
    a: wheel('b[x]', 'b'),
    b: wheel('a', 'c; extra == "x"', 'd; extra == "y"'),
    c: wheel('b[y]'),
    d: wheel(),
    alone: wheel(),
  };
  assert.deepEqual(follow(members, ['a']), {
    missing: [],
    requiredBy: { a: ['b', 'list.txt'], b: ['a', 'c'], c: ['b'], d: ['b'] },
  });
});

test('what nothing provides, or what is there in another version', () => {
  const members = { a: wheel('gone>=2', 'num>=3', 'any>=9', 'ignored') };
  members.a.ignoredRequirements = ['ignored'];
  const provided: [string, string | undefined][] = [
    ['num', '2.5'],
    ['any', undefined],
  ];
  assert.deepEqual(follow(members, ['a', 'lost'], { provided }).missing, [
    ['a 1.0', 'num', '2.5'],
    ['a 1.0', 'gone', undefined],
    ['list.txt:1', 'lost', undefined],
  ]);
});

test('what a variant goes without is not missed; what is there instead is required in its place', () => {
  const members = { a: wheel('b', 'c>=5'), d: wheel() };
  const skipped: [string, string | undefined][] = [
    ['b', undefined],
    ['c', 'd'],
  ];
  assert.deepEqual(follow(members, ['a'], { skipped }), {
    missing: [],
    requiredBy: { a: ['list.txt'], d: ['a'] },
  });
});
