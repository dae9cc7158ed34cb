import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Host } from '../../host/host.ts';
import { openHttp } from '../../host/http/client.ts';
import { type Exchange, readBody } from '../../host/http/message.ts';
import { retrying, usualRetries } from '../../host/http/retry.ts';
import { naming } from '../../host/wait.ts';

/** How often a download may fail in a row; the distribution may have a Nix too. */
const attempts = 4;

/** Resolves when the server of an address answers, with whatever status. */
export async function probe(url: URL, host: Host): Promise<void> {
  const http = openHttp(host);
  try {
    await http.exchange({ method: 'HEAD', url, retry: false });
  } finally {
    http.close();
  }
}

/**
 * Writes what is at an address to a file, with retries. Rejects with {@link HttpStatus} where the server
 * does not have it, and with ConnectionLost.
 */
export async function download(url: URL, file: string, host: Host): Promise<void> {
  const http = openHttp(host);
  const receive: Exchange = async request => {
    const answer = await http.send(request);
    if (answer.status !== 200) return readBody(answer);
    await pipeline(answer.body, createWriteStream(file));
    return { ...answer, body: Buffer.alloc(0) };
  };
  const policy = { ...usualRetries(host.clock), attempts };
  try {
    const { status } = await naming(`the download of Nix from ${url.host}`, host, () =>
      retrying(receive, policy)({ method: 'GET', url, signal: host.signal }),
    );
    if (status !== 200) throw new HttpStatus(status);
  } finally {
    http.close();
  }
}

/** An answer that is not what was asked for. */
class HttpStatus extends Error {
  readonly httpStatusCode: number;

  constructor(status: number) {
    super(`HTTP status ${status}`);
    this.httpStatusCode = status;
  }
}
