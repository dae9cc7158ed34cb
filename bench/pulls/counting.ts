import http from 'node:http';
import { serve, type TestServer } from '../../test/tools/http-server.ts';

/** A registry behind what counts the bytes of blobs that it serves. */
export interface CountedRegistry extends TestServer {
  blobBytes(): number;
}

/** @param target "127.0.0.1:PORT" */
export async function countBlobs(target: string): Promise<CountedRegistry> {
  let bytes = 0;
  const [hostname, port] = target.split(':');
  const server = await serve((request, response) => {
    const { method, url: path, headers } = request;
    const onwards = http.request({ hostname, port, method, path, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      if (path?.includes('/blobs/')) answer.on('data', chunk => (bytes += chunk.length));
      answer.pipe(response);
    });
    onwards.on('error', () => response.destroy());
    response.on('close', () => onwards.destroy());
    request.pipe(onwards);
  });
  return { ...server, blobBytes: () => bytes };
}
