import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Host } from '../../../../src/host/host.ts';
import { openHttp } from '../../../../src/host/http/client.ts';

test("a wait between two tries ends with the host's signal, or with the request's own", async context => {
  const [ofHost, ofRequest] = [new AbortController(), new AbortController()];
  const host: Host = {
    env: {},
    clock: () => 0,
    emit: () => undefined,
    run: () => assert.fail('a program was run'),
    signal: ofHost.signal,
  };
  const waits: (AbortSignal | undefined)[] = [];
  const sleep = async (_: number, signal?: AbortSignal) => void waits.push(signal);
  const client = openHttp(host, { retries: { sleep, attempts: 2 } });
  context.after(client.close);
  // nobody listens there
  const url = new URL('http://127.0.0.1:1/');
  await assert.rejects(client.exchange({ method: 'GET', url }));
  await assert.rejects(client.exchange({ method: 'GET', url, signal: ofRequest.signal }));
  assert.deepEqual(waits, [ofHost.signal, ofRequest.signal]);
});
