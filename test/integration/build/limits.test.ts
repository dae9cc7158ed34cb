// What a run is held to, and what its pull request is told, with a registry, and with GitHub's API on this
// machine.
import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { rowsIn } from '../../../src/report/comment.ts';
import { startGitHubApi } from '../../tools/github-api.ts';
import { startRegistry } from '../../tools/registry.ts';
import { copyExample, run } from './hermetic-example.ts';
import { freshMachine, type Run } from './machine.ts';

async function tags(repository: string): Promise<string[]> {
  const list = await run('skopeo', ['list-tags', '--tls-verify=false', `docker://${repository}`]);
  const all = (JSON.parse(list) as { Tags: string[] }).Tags;
  return all.filter(tag => !tag.startsWith('cache-'));
}

async function digestOf(reference: string): Promise<string> {
  const said = await run('skopeo', ['inspect', '--tls-verify=false', `docker://${reference}`]);
  return (JSON.parse(said) as { Digest: string }).Digest;
}

const kept = ({ record }: Run) => record?.limits?.map(({ limit, kept }) => [limit, kept]);

test('a run over its limits moves no tag; its pull request is told once', async context => {
  const registry = await startRegistry();
  context.after(() => registry.stop());
  const api = await startGitHubApi();
  context.after(() => api.stop());
  const example = await copyExample(context);
  const machine = await freshMachine(context);
  const image = `${registry.address}/comfy/limited`;
  const build = (limits: string[], more: string[] = [], env = {}) =>
    machine.build(
      example,
      [
        ...['--image', image, '--tags', 'cu130', ...more],
        ...limits.flatMap(each => ['--limits', each]),
      ],
      { env: { GITHUB_REF_NAME: 'main', ...env } },
    );

  const tooLarge = await build(['image-size < 1kB', 'sent < 1GiB'], ['--limits-mode', 'fail']);
  assert.equal(tooLarge.code, 1, tooLarge.stderr);
  assert.match(tooLarge.stderr, /image-size < 1kB is broken.*\n.*No tag was moved/);
  assert.deepEqual(kept(tooLarge), [
    ['image-size < 1kB', false],
    ['sent < 1GiB', true],
  ]);
  assert.deepEqual(await tags(image), []);

  const warned = await build(['image-size < 1kB', 'pull < 1 B']);
  assert.equal(warned.code, 0, warned.stderr);
  assert.match(warned.stderr, /The limit image-size < 1kB is broken: it is [\d.]+ [kM]B/);
  assert.match(warned.stderr, /Not known, and so not broken: pull < 1 B/);
  assert.equal(warned.record?.image?.movedTags.length, 1);
  const before = await digestOf(`${image}:cu130`);

  await appendFile(join(example.folder, 'flake.nix'), '\n# another commit\n');
  const same = await build(['pull < 1 B', 'layer-growth < 1 B'], ['--limits-mode', 'fail']);
  assert.equal(same.code, 0, same.stderr);
  assert.deepEqual(kept(same), [
    ['pull < 1 B', true],
    ['layer-growth < 1 B', true],
  ]);

  await writeFile(join(example.folder, 'app/VERSION'), '0.39.0\n');
  const grown = await build(['pull < 1 B'], ['--limits-mode', 'fail']);
  assert.equal(grown.code, 1, grown.stderr);
  assert.match(grown.stderr, /pull < 1 B would be broken.*\n.*Nothing was built/);
  assert.equal(await digestOf(`${image}:cu130`), before);

  const event = join(example.folder, '..', 'event.json');
  const head = { repo: { full_name: 'o/n' } };
  await writeFile(event, JSON.stringify({ pull_request: { number: 7, head } }));
  const job = {
    ...{ GITHUB_ACTIONS: 'true', GITHUB_EVENT_NAME: 'pull_request', GITHUB_EVENT_PATH: event },
    ...{ GITHUB_REPOSITORY: 'o/n', GITHUB_API_URL: api.url, GITHUB_TOKEN: 'secret' },
    ...{ GITHUB_REF_NAME: '7/merge', GITHUB_BASE_REF: 'main' },
  };
  for (const id of ['1', '2']) {
    const told = await build([], [], { ...job, GITHUB_RUN_ID: id });
    assert.equal(told.code, 0, told.stderr);
    assert.ok(!told.stderr.includes('secret'));
  }
  const [comment, ...more] = api.comments;
  assert.deepEqual(more, []);
  const [row, ...others] = rowsIn(comment?.body ?? '') ?? [];
  assert.deepEqual(others, []);
  assert.equal(row?.version[0], 2);
  assert.deepEqual([row?.against, row?.layers], ['main', ['layer6-app']]);
});
