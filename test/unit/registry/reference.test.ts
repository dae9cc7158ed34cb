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

  for (const text of [
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
  checkTag('a'.repeat(128));
  for (const bad of ['', '.x', '-x', 'a b', 'a'.repeat(129), '+']) {
    assert.throws(() => checkTag(bad), Failure);
  }
});
