import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allRead, type Exactly, parse, type Values } from '../../../src/inputs/parse.ts';

test('values have the names and types of the table, and defaults where nothing is given', () => {
  const values = parse('copy', { tags: 'a', 'registry-username': ' ', push: 'false' });
  const compression: 'zstd' | 'gzip' | 'none' = values.compression;
  const push: boolean | undefined = values.push;
  const username: string | undefined = values.registryUsername;
  assert.deepEqual([compression, push, username], ['zstd', false, undefined]);
  const limit: 'never' | 'error' | 'warning' = parse('audit', {}).auditFailOn;
  const wish: 'true' | 'false' | 'required' | undefined = parse('setup', {}).cachixPush;
  assert.deepEqual([limit, wish], ['never', undefined]);
  assert.deepEqual(values.tags, [{ entry: 'a', tag: 'a' }]);
  assert.deepEqual(parse('build', {}).layers, []);
  assert.deepEqual(parse('face', {}), { command: 'build', trustEvent: [] });
});

test('a verb can read what it lists, and nothing else', () => {
  const values = parse('prefetch', { compression: 'lz4', undo: 'perhaps' });
  // @ts-expect-error: prefetch lists no compression
  assert.equal(values.compression, undefined);
  // @ts-expect-error: a setup has no folder to work in
  assert.equal(parse('setup', {}).workingDirectory, undefined);
  // @ts-expect-error: nor has it a flake whose nixConfig could be accepted
  assert.equal(parse('setup', {}).acceptFlakeConfig, undefined);
});

test('what a verb lists has to be read', () => {
  const { wheels, lock, verify, unpacked, check, githubToken, ...rest } = parse('prefetch', {});
  // @ts-expect-error: its working directory is left
  allRead(rest);
  assert.deepEqual(
    [wheels, lock, verify, unpacked, check],
    ['wheels.toml', 'wheels.lock.json', false, false, false],
  );
  assert.deepEqual([githubToken, rest], [undefined, { workingDirectory: '.' }]);
});

test('a function that two verbs share reads all that is left to it', () => {
  type Wanted = Pick<Values<'audit'>, 'flake'>;
  const shared = <Given extends Wanted>(values: Exactly<Wanted, Given>) => values;
  const { flake, record } = parse('audit', { flake: 'x' });
  assert.deepEqual(shared({ flake }), { flake: 'x' });
  const more = { flake, record };
  // @ts-expect-error: the record would be lost in it
  shared(more);
});
