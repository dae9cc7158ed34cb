import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The part of s3rver that is used; it brings no types. */
interface Service {
  httpServer: Server;
  run(): Promise<AddressInfo>;
}

const S3rver = createRequire(import.meta.url)('s3rver') as new (options: object) => Service;

/** An S3-compatible server on a loopback port, with one bucket. */
export interface TestS3 {
  /** The bucket as Nix names it. */
  url: string;
  /** Variables with the login. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

export async function startS3(bucket: string): Promise<TestS3> {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  const service = new S3rver({
    ...{ address: '127.0.0.1', port: 0, silent: true, directory },
    configureBuckets: [{ name: bucket, configs: [] }],
  });
  const { port } = await service.run();
  return {
    url: `s3://${bucket}?endpoint=127.0.0.1:${port}&scheme=http&region=us-east-1`,
    // the only login that the server knows
    env: { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' },
    stop: async () => {
      const closed = once(service.httpServer, 'close');
      service.httpServer.close();
      service.httpServer.closeAllConnections();
      await closed;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
