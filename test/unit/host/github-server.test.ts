import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubServer } from '../../../src/host/github-server.ts';

test("a job's token is for the GitHub that runs it, and for that one's registry", () => {
  const servers = {
    'https://github.com': ['github.com', 'ghcr.io'],
    'https://GitHub.com/': ['github.com', 'ghcr.io'],
    'https://octo.ghe.com': ['octo.ghe.com', 'containers.octo.ghe.com'],
    'https://git.example:8443': ['git.example:8443', 'containers.git.example:8443'],
    'https://github.com.evil.example': [
      'github.com.evil.example',
      'containers.github.com.evil.example',
    ],
  };
  for (const [url, [host, registry]] of Object.entries(servers)) {
    assert.deepEqual(githubServer({ GITHUB_SERVER_URL: url }), { host, registry });
  }
  assert.equal(githubServer({})?.registry, 'ghcr.io');
  assert.equal(githubServer({ GITHUB_SERVER_URL: '' })?.host, 'github.com');
  for (const url of ['git.example', 'file:///x', 'https://']) {
    assert.equal(githubServer({ GITHUB_SERVER_URL: url }), undefined, url);
  }
});
