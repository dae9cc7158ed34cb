import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A real nginx that serves a folder of its own on a loopback port, and takes files by PUT. */
export interface TestNginx {
  /** "127.0.0.1:PORT". */
  address: string;
  /** Its files. */
  folder: string;
  stop(): Promise<void>;
}

export interface TestNginxOptions {
  /** Whom Basic authentication lets in; nobody is asked without it. */
  login?: { username: string; password: string };
  /** Files can only be read. */
  readOnly?: boolean;
  /** Stands before another server, in place of the files; it keeps each request until it is whole. */
  before?: string;
  /** The most that a request before it may hold, such as "600k", and "0" for any; default: nginx's own 1 MiB. */
  largestBody?: string;
}

/** Starts nginx (Debian's nginx-light) and waits until it listens. */
export async function startNginx(options: TestNginxOptions = {}): Promise<TestNginx> {
  const base = mkdtempSync(join(tmpdir(), 'nginx-'));
  chmodSync(base, 0o755);
  const folder = join(base, 'files');
  mkdirSync(folder);
  const port = await freePort();
  writeFileSync(join(base, 'nginx.conf'), configuration(base, folder, port, options));
  const child = spawn('nginx', ['-p', base, '-e', join(base, 'error.log'), '-c', 'nginx.conf'], {
    stdio: 'ignore',
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  const ended = once(child, 'exit');
  await Promise.race([untilListening(port), ended.then(failToStart)]);
  return {
    address: `127.0.0.1:${port}`,
    folder,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function configuration(
  base: string,
  folder: string,
  port: number,
  { login, readOnly, before, largestBody = '1m' }: TestNginxOptions,
): string {
  if (login) {
    const { username, password } = login;
    const made = spawnSync('htpasswd', ['-nim', username], { input: password });
    writeFileSync(join(base, 'htpasswd'), made.stdout);
  }
  const auth = login ? `auth_basic test; auth_basic_user_file ${join(base, 'htpasswd')};` : '';
  const put = readOnly ? '' : 'dav_methods PUT DELETE; create_full_put_path on;';
  const files = `client_max_body_size 0; location / { root ${folder}; ${put} ${auth} }`;
  const forward = `client_max_body_size ${largestBody}; location / { proxy_pass http://${before}; proxy_set_header Host $http_host; }`;
  return `
    daemon off; worker_processes 1; pid ${base}/pid; error_log ${base}/error.log;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events {}
    http {
      access_log ${base}/access.log;
      client_body_temp_path ${base}/body; proxy_temp_path ${base}/proxy;
      fastcgi_temp_path ${base}/fastcgi; uwsgi_temp_path ${base}/uwsgi; scgi_temp_path ${base}/scgi;
      server { listen 127.0.0.1:${port}; ${before === undefined ? files : forward} }
    }`;
}

/** nginx cannot be asked which port it got, so it is told one that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was chosen');
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await wait(20);
  }
}

function failToStart(): never {
  throw new Error('nginx did not start');
}
