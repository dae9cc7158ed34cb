import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback } from '../../../../src/host/http/loopback.ts';

test('names and addresses of this machine are known, and no others', () => {
  for (const host of ['localhost', 'localhost:1', '127.9.9.9:80', '[::1]', '[::1]:5000']) {
    assert.ok(isLoopback(host), host);
  }
  for (const host of ['127.0.0.1.example', 'localhost.example', '10.0.0.1:5000', '[::2]']) {
    assert.ok(!isLoopback(host), host);
  }
});
