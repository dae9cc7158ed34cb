import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceByWords, permissionToWrite } from '../../../src/registry/advice.ts';
import { refusal } from '../../../src/registry/refusal.ts';

const reference = { registry: 'r.example', origin: 'https://r.example', repository: 'o/x' };

test('advice goes by what a registry says', () => {
  const advice = (words: string, action = 'upload a blob to') =>
    adviceByWords([words], { reference, action, withLogin: true });
  const manifest = 'store the manifest x in';
  assert.match(advice('MANIFEST_INVALID: manifest invalid', manifest) ?? '', /compression: gzip/);
  assert.match(advice('UNKNOWN: unsupported media type zstd', manifest) ?? '', /compression: gzip/);
  assert.match(
    advice('MANIFEST_INVALID: OCI not supported', manifest) ?? '',
    /docker-archive:FILE/,
  );
  assert.equal(advice('MANIFEST_INVALID: x'), undefined);
  assert.match(advice('DENIED: quota exceeded') ?? '', /quota/);
  assert.match(advice('TAG_INVALID: The image tag is immutable', manifest) ?? '', /immutable tags/);
  assert.match(advice('MANIFEST_BLOB_UNKNOWN: blob unknown', manifest) ?? '', /Run it again/);
  assert.match(advice('DENIED: permission_denied: write_package') ?? '', /permission to push/);
  assert.equal(advice('DENIED: no'), undefined);
  assert.equal(adviceByWords([], { reference, action: '', withLogin: true }), undefined);
});

test('advice goes by what was refused', () => {
  const advice = (status: number, action: string) =>
    adviceByWords([], { reference, action, withLogin: true }, status);
  assert.match(advice(413, 'store the manifest x in') ?? '', /larger `max-layer-size`/);
  assert.match(advice(409, 'store the manifest x in') ?? '', /a tag that is not there yet/);
  assert.equal(advice(413, 'upload a blob to'), undefined);
  assert.equal(advice(409, 'upload a blob to'), undefined);
});

test('and comes before the advice of the status alone', () => {
  const errors = [{ code: 'MANIFEST_INVALID', message: 'manifest invalid' }];
  const body = Buffer.from(JSON.stringify({ errors }));
  const answer = { status: 400, headers: {}, url: new URL('https://r.example/v2/'), body };
  const action = 'store the manifest x in';
  const { details } = refusal(answer, { reference, action, scope: 's', withLogin: true });
  assert.match(details.next ?? '', /compression: gzip/);
});

test('what lets a login write has a name of its own in each registry', () => {
  const named: [registry: string, permission: RegExp][] = [
    ['ghcr.io', /packages: write/],
    ['docker.io', /Read & Write/],
    ['1.dkr.ecr.eu-west-1.amazonaws.com', /ecr:InitiateLayerUpload/],
    ['europe-docker.pkg.dev', /artifactregistry\.writer/],
    ['o.azurecr.io', /AcrPush/],
    ['registry.gitlab.com', /write_registry/],
    ['quay.io', /robot account/],
    ['o.jfrog.io', /Deploy/],
    ['r.example', /push to this repository of r\.example/],
    ['notpkg.dev.example', /push to this repository/],
  ];
  for (const [registry, permission] of named) {
    assert.match(permissionToWrite(registry), permission, registry);
  }
});
