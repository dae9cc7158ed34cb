import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openHttp } from '../../../../src/host/http/client.ts';
import { faultOf } from '../../../../src/host/http/fault.ts';
import { Unreachable } from '../../../../src/host/http/message.ts';
import { explainedLoss } from '../../../../src/host/http/unreachable.ts';
import { quietHost } from '../../../tools/host.ts';
import { makeCertificate } from '../../../tools/registry.ts';

/** How a GET fails, in the words that people get; nothing is waited for to try it again. */
async function failureOf(t: TestContext, server: Server, scheme: string) {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const sleep = async () => assert.fail('it waits to try again');
  const client = openHttp(quietHost(), { retries: { sleep } });
  t.after(client.close);
  const url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`);
  const error = await client.exchange({ method: 'GET', url }).then(
    () => assert.fail('it answered'),
    (reason: unknown) => explainedLoss(reason, 'r.example', 'the name of the registry'),
  );
  assert.ok(error instanceof Unreachable);
  assert.doesNotMatch(error.message, /SSL|EPROTO|Parse Error|\.c:/);
  return error;
}

test('TLS that is answered in plain text: what it speaks is asked about', async t => {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  const error = await failureOf(t, server, 'https');
  assert.match(error.message, /r\.example failed: it does not speak TLS \(HTTPS\) there\.$/);
  assert.match(error.details.next ?? '', /plain HTTP\?/);
});

test('plain HTTP that is answered in something else', async t => {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.9\r\n');
  });
  const error = await failureOf(t, server, 'http');
  assert.match(error.message, /failed: what it says is not HTTP\.$/);
  assert.match(error.details.next ?? '', /wants HTTPS/);
});

test('a certificate of an authority that nobody knows', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const { key, cert } = makeCertificate(folder, 'ES256', '127.0.0.1');
  const server = createTlsServer({ key, cert });
  const error = await failureOf(t, server, 'https');
  assert.match(error.message, /signed by nobody that this machine trusts/);
  assert.match(error.details.next ?? '', /SSL_CERT_FILE/);
});

test('errors are told apart by their codes, and by OpenSSL’s words where they have none', () => {
  const fault = (code: string, message = '') =>
    faultOf(Object.assign(new Error(message), { code }));
  assert.equal(fault('EPROTO', 'write EPROTO SSL routines::wrong version number'), 'no TLS');
  assert.equal(fault('ERR_SSL_PACKET_LENGTH_TOO_LONG'), 'no TLS');
  assert.equal(fault('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'certificate wanted');
  assert.equal(fault('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'other TLS');
  assert.equal(fault('ERR_SSL_UNEXPECTED_EOF_WHILE_READING'), 'broken');
  assert.equal(fault('CERT_NOT_YET_VALID'), 'certificate expired');
  assert.equal(fault('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'certificate unknown');
  assert.equal(fault('HPE_HEADER_OVERFLOW'), 'no HTTP');
  assert.equal(fault('ECONNRESET'), 'broken');
  assert.equal(faultOf(undefined), 'broken');
});
