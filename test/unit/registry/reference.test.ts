import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../../src/host/failure.ts';
import { checkTag, formatReference, parseReference } from '../../../src/registry/reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

describe('image references', () => {
  const cases: [string, string, string, string | undefined, string | undefined][] = [
    ['ghcr.io/o/Comfy:Tag', 'https://ghcr.io', 'o/comfy', 'Tag', undefined],
    ['127.0.0.1:5000/comfy', 'http://127.0.0.1:5000', 'comfy', undefined, undefined],
    [`localhost:5000/x@${digest}`, 'http://localhost:5000', 'x', undefined, digest],
    [`r.example/x/y:1@${digest}`, 'https://r.example', 'x/y', '1', digest],
    ['[::1]:5000/x:t', 'http://[::1]:5000', 'x', 't', undefined],
    ['http://registry:5000/o/N:t', 'http://registry:5000', 'o/n', 't', undefined],
    ['HTTP://registry/x', 'http://registry', 'x', undefined, undefined],
    ['debian', 'https://registry-1.docker.io', 'library/debian', undefined, undefined],
    ['o/comfy:1', 'https://registry-1.docker.io', 'o/comfy', '1', undefined],
    ['docker.io/debian', 'https://registry-1.docker.io', 'library/debian', undefined, undefined],
    ['index.docker.io/o/x', 'https://registry-1.docker.io', 'o/x', undefined, undefined],
  ];
  for (const [text, origin, repository, tag, expectedDigest] of cases) {
    test(text, () => {
      const reference = parseReference(text);
      assert.equal(reference.origin, origin);
      assert.equal(reference.repository, repository);
      assert.equal(reference.tag, tag);
      assert.equal(reference.digest, expectedDigest);
    });
  }

  test('what is written with http:// has no other way, and is named without', () => {
    const reference = parseReference('http://registry:5000/o/n:t');
    assert.equal(reference.isPlain, true);
    assert.equal(formatReference(reference), 'registry:5000/o/n:t');
    assert.equal(parseReference('registry:5000/o/n').isPlain, undefined);
  });

  for (const text of [
    'http://',
    'http:///x',
    'http://registry:5000',
    'https://ghcr.io/o/x',
    'ftp://x/y',
    '',
    '/',
    'ghcr.io/',
    'ghcr.io/o//x',
    'ghcr.io/o/x:',
    'ghcr.io/o/x@sha256:12',
    'ghcr.io/-x',
    'ghcr.io:99999/x',
    'user@host.example/x',
    `ghcr.io/${'x'.repeat(300)}`,
  ]) {
    test(`"${text.slice(0, 30)}" is wrong usage`, () => {
      assert.throws(() => parseReference(text), { name: 'Failure', exitCode: 2 });
    });
  }

  test('names at their borders', () => {
    const ports = ['1', '80', '65535'];
    for (const port of ports) assert.equal(parseReference(`r.x:${port}/x`).registry, `r.x:${port}`);
    for (const wrong of ['r.x:0/x', 'r.x:65536/x', 'r.x:/x', 'r_x.y/x', '[::1/x', 'r.x:80:80/x']) {
      assert.throws(() => parseReference(wrong), /is not a registry's host name/, wrong);
    }
    const longest = 'x'.repeat(255);
    assert.equal(parseReference(`r.x/${longest}`).repository, longest);
    assert.throws(() => parseReference(`r.x/${longest}x`), /has at most 255 characters/);
    for (const right of ['a.b', 'a__b', 'a-b', 'a---b', 'a_b/c.d', '0']) {
      assert.equal(parseReference(`r.x/${right}`).repository, right);
    }
    for (const wrong of ['a..b', 'a___b', 'a_-b', '.a', 'a.', 'a_', 'a/', '/a', 'a b']) {
      assert.throws(() => parseReference(`r.x/${wrong}`), /cannot be part of its name/, wrong);
    }
  });

  test('what is no registry is a user of Docker Hub, whose images may have short names', () => {
    const registryOf = (text: string) => {
      const { registry, repository } = parseReference(text);
      return `${registry} ${repository}`;
    };
    assert.equal(registryOf('LOCALHOST/x'), 'localhost x');
    assert.equal(registryOf('localhost'), 'docker.io library/localhost');
    assert.equal(registryOf('Ghcr.IO/O/X'), 'ghcr.io o/x');
    assert.equal(registryOf('ghcr.io'), 'docker.io library/ghcr.io');
    assert.equal(registryOf('user/x'), 'docker.io user/x');
    assert.equal(registryOf('registry-1.docker.io/x'), 'docker.io library/x');
    assert.equal(registryOf('user:80/x'), 'user:80 x');
    assert.equal(parseReference('x:80').tag, '80');
    assert.throws(() => parseReference('x@y@z'), /"y@z" is not a digest/);
    assert.equal(
      formatReference(parseReference(`x:t@${digest}`)),
      `docker.io/library/x:t@${digest}`,
    );
  });

  const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,5})?$/);
  const host = fc.constantFrom('ghcr.io', 'localhost', '127.0.0.1:5000', 'r.example:443', '[::1]');
  const tag = fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/), {
    nil: undefined,
  });

  test('what is written in full is read as it was', () => {
    const paths = fc.array(component, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(host, paths, tag, fc.boolean(), (registry, path, name, pinned) => {
        const text = formatReference({
          registry,
          origin: '',
          repository: path.join('/'),
          ...(name === undefined ? {} : { tag: name }),
          ...(pinned ? { digest } : {}),
        });
        assert.equal(formatReference(parseReference(text)), text);
      }),
    );
  });

  test('any text is read or refused with a Failure', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        try {
          const reference = parseReference(text);
          assert.deepEqual(parseReference(formatReference(reference)), reference);
        } catch (error) {
          assert.ok(error instanceof Failure, String(error));
        }
      }),
    );
  });
});

test('a tag with "+" is answered with one that works', () => {
  assert.throws(
    () => checkTag('2.10.0+cu130'),
    (error: Failure) => {
      assert.match(error.details.next ?? '', /use "2\.10\.0-cu130"/);
      return true;
    },
  );
  assert.throws(
    () => checkTag('-a+b'),
    (error: Failure) => {
      assert.match(error.details.next ?? '', /up to 128 letters/, 'without "+" it is none either');
      return true;
    },
  );
  checkTag('a'.repeat(128));
  for (const bad of ['', '.x', '-x', 'a b', 'a'.repeat(129), '+']) {
    assert.throws(() => checkTag(bad), Failure);
  }
});
