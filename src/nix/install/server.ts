import { open } from 'node:fs/promises';
import type { Host } from '../../host/host.ts';
import { type HttpClient, withHttp } from '../../host/http/client.ts';
import { download as bytesOf } from '../../host/http/download.ts';
import { ConnectionLost } from '../../host/http/message.ts';
import type { Reason } from '../../host/http/retry.ts';
import { retries } from '../../host/limits.ts';
import { naming } from '../../host/wait.ts';

/** Resolves when the server of an address answers, with whatever status. */
export async function probe(url: URL, host: Host): Promise<void> {
  await withHttp(host, http => http.exchange({ method: 'HEAD', url, retry: false }));
}

/**
 * Writes what is at an address to a file, with retries. Rejects with {@link HttpStatus} where the server
 * does not have it, and with ConnectionLost.
 */
export async function download(url: URL, file: string, host: Host): Promise<void> {
  const handle = await open(file, 'a');
  const receive = async (http: HttpClient) => {
    const bytes = bytesOf({
      ask: headers => http.send({ method: 'GET', url, headers }),
      policy: http.policy,
      signal: host.signal,
      begin: async ({ at }) => {
        if (at === 0) await handle.truncate();
      },
      failed,
    });
    for await (const chunk of bytes) await handle.write(chunk);
  };
  try {
    const options = { retries: retries.nixRelease };
    await naming(`the download of Nix from ${url.host}`, host, () =>
      withHttp(host, receive, options),
    );
  } finally {
    await handle.close();
  }
}

function failed(reason: Reason): Error {
  if (reason instanceof ConnectionLost) return reason;
  return reason ? new HttpStatus(reason.status) : new Error('the server did not send all of it');
}

/** An answer that is not what was asked for. */
class HttpStatus extends Error {
  readonly httpStatusCode: number;

  constructor(status: number) {
    super(`HTTP status ${status}`);
    this.httpStatusCode = status;
  }
}
