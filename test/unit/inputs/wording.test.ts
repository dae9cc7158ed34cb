import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, Failure } from '../../../src/host/failure.ts';
import { inWordsOf } from '../../../src/inputs/wording.ts';

/** Messages as this program has them, and what the command line makes of them. */
const messages: [message: string, onTheCommandLine: string][] = [
  [
    'Input compression: expected zstd, gzip, none; found "lz4".',
    '--compression: expected zstd, gzip, none; found "lz4".',
  ],
  ['Input registry-password: it is empty.', 'REGISTRY_PASSWORD: it is empty.'],
  ['Input flake: it is empty.', 'flake: it is empty.'],
  ['Give "a" in the input tags.', 'Give "a" in `--tags`.'],
  [
    'Nothing is pushed, since the input push is false.',
    'Nothing is pushed, since `--push` is false.',
  ],
  [
    'Run again with `reuse: false`, or with a larger `max-layer-size`.',
    'Run again with `--no-reuse`, or with a larger `--max-layer-size`.',
  ],
  ['Allow it: `insecure-registries: r:5000`.', 'Allow it: `--insecure-registries r:5000`.'],
  [
    'Give `registry-username` and `registry-password`.',
    'Give `--registry-username` and the variable `REGISTRY_PASSWORD`.',
  ],
  ['Nothing was learnt from `cache-from: a/b:c`', 'Nothing was learnt from `--cache-from a/b:c`'],
  ['Set `install-nix: auto`.', 'Set `--install-nix auto`.'],
  ['`flake` names what is built.', 'the argument `flake` names what is built.'],
  ['Here it is `command`.', 'Here it is the subcommand.'],
  // what is no input stays
  ['The input source is to be path:/x.', 'The input source is to be path:/x.'],
  ['`.#comfyui`, `nix copy`, `ghcr.io/owner`', '`.#comfyui`, `nix copy`, `ghcr.io/owner`'],
  ['Set max-jobs in nix.conf.', 'Set max-jobs in nix.conf.'],
];

for (const [message, onTheCommandLine] of messages) {
  test(`in the words of both faces: ${message}`, () => {
    assert.equal(inWordsOf('action', message), message);
    assert.equal(inWordsOf('command-line', message), onTheCommandLine);
  });
}

test('what others said is shown as it is', () => {
  const failure = new Failure('Set `reuse: false`.', {
    layer: 'app',
    evidence: ['their `reuse: false`'],
    tried: '`push: false`.',
    next: 'Set the input tags.',
  });
  assert.equal(
    explain(failure, text => inWordsOf('command-line', text)),
    'app: Set `--no-reuse`.\n  their `reuse: false`\nTried: `--no-push`.\nNext: Set `--tags`.',
  );
});
