import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eitherSignal } from '../../../src/host/signals.ts';

test('any that aborts gives its reason; one alone is itself; none never aborts', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const either = eitherSignal(undefined, one.signal, other.signal);
  assert.equal(either.aborted, false);
  other.abort('other');
  assert.equal(either.reason, 'other');
  assert.equal(eitherSignal(undefined, one.signal), one.signal);
  assert.equal(eitherSignal(undefined).aborted, false);
});
