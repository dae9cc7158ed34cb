import { spawn, spawnSync } from 'node:child_process';
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A real registry server (distribution) on a loopback port of its own. */
export interface TestRegistry {
  /** "127.0.0.1:PORT". */
  address: string;
  /** Its files, for a look behind its back. */
  folder: string;
  /** Scopes that the token server was asked for, in order; empty without token auth. */
  askedScopes: string[];
  /** Kills it at once, and starts it anew with its files, at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestRegistryOptions {
  auth?: 'none' | 'htpasswd' | 'token';
  username?: string;
  password?: string;
  algorithm?: 'ES256' | 'RS256';
  /** Seconds; default 300. */
  tokenLifetime?: number;
  /** What the token server grants: all that is asked by default. */
  grant?: (repository: string, action: string) => boolean;
  /** It speaks TLS, with a certificate of its own for `localhost`; `mutual`: and wants its client's. */
  tls?: 'server' | 'mutual';
  /** The OAuth2 refresh token that is accepted in place of a password. */
  identityToken?: string;
}

/** Starts `docker-registry` in a temporary folder; it accepts one user where it wants a login. */
export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  const askedScopes: string[] = [];
  const tokenServer =
    options.auth === 'token' ? await startTokenServer(folder, options, askedScopes) : undefined;
  const config = join(folder, 'config.json');
  const settings = configuration(folder, options, tokenServer?.realm);
  writeFileSync(config, JSON.stringify(settings));
  let running = await startServer(config);
  const { address } = running;
  return {
    ...{ address, folder, askedScopes },
    restart: async () => {
      await running.kill();
      writeFileSync(
        config,
        JSON.stringify({ ...settings, http: { ...settings.http, addr: address } }),
      );
      running = await startServer(config);
    },
    stop: async () => {
      await running.kill();
      await tokenServer?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startServer(config: string) {
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { address: await listeningAddress(child.stderr), kill };
}

/** distribution reads YAML, of which JSON is a part. */
function configuration(folder: string, options: TestRegistryOptions, realm: string | undefined) {
  return {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
    },
    http: { addr: '127.0.0.1:0', secret: randomUUID(), ...transport(folder, options) },
    ...authentication(folder, options, realm),
  };
}

/** The registry's certificate lies beside its data, and is that of its clients too. */
function transport(folder: string, { tls }: TestRegistryOptions) {
  if (tls === undefined) return {};
  const own = join(folder, 'tls');
  mkdirSync(own);
  const { certFile } = makeCertificate(own, 'ES256', 'localhost');
  const clientcas = tls === 'mutual' ? { clientcas: [certFile] } : {};
  return { tls: { certificate: certFile, key: join(own, 'key.pem'), ...clientcas } };
}

function authentication(folder: string, options: TestRegistryOptions, realm: string | undefined) {
  if (options.auth === 'htpasswd') {
    const path = join(folder, 'htpasswd');
    const { username = 'user', password = 'secret' } = options;
    const made = spawnSync('htpasswd', ['-niB', username], { input: password });
    writeFileSync(path, made.stdout);
    return { auth: { htpasswd: { realm: 'test', path } } };
  }
  if (realm === undefined) return {};
  const rootcertbundle = join(folder, 'cert.pem');
  return { auth: { token: { realm, service: 'test', issuer: 'test', rootcertbundle } } };
}

async function listeningAddress(log: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: log });
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    lines.on('line', line => {
      seen.push(line);
      const [, address] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    lines.once('close', () => reject(new Error(`docker-registry ended:\n${seen.join('\n')}`)));
  });
}

/** Makes a key and a certificate of it that is valid for an hour or more. */
export function makeCertificate(folder: string, algorithm: 'ES256' | 'RS256', name: string) {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const kind = algorithm === 'ES256' ? 'ec' : 'rsa:2048';
  const curve = algorithm === 'ES256' ? ['-pkeyopt', 'ec_paramgen_curve:prime256v1'] : [];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const files = ['-keyout', key, '-out', cert, '-nodes', '-days', '1'];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    kind,
    ...curve,
    ...subject,
    ...files,
  ]);
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8'), certFile: cert };
}

/** A token server as distribution specifies it: GET with Basic, POST with a refresh token. */
async function startTokenServer(folder: string, options: TestRegistryOptions, asked: string[]) {
  const { algorithm = 'ES256', username = 'user', password = 'secret' } = options;
  const { key, cert } = makeCertificate(folder, algorithm, 'test');
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await bodyOf(request));
    const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
    const isPost = request.method === 'POST';
    const scopes = (isPost ? form : query).getAll('scope').flatMap(scope => scope.split(' '));
    asked.push(...scopes);
    const allowed = isPost
      ? form.get('refresh_token') === options.identityToken
      : request.headers.authorization === basic;
    if (!allowed) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'bad login' }] }));
      return;
    }
    const access = grantedAccess(scopes, options.grant ?? (() => true));
    const lifetime = options.tokenLifetime ?? 300;
    const token = signedToken(key, cert, algorithm, access, lifetime);
    const body = isPost ? { access_token: token } : { token };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...body, expires_in: lifetime }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { realm: `http://127.0.0.1:${port}/token`, stop };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function grantedAccess(
  scopes: readonly string[],
  grant: (repository: string, action: string) => boolean,
) {
  return scopes.map(scope => {
    const [type = '', name = '', actions = ''] = scope.split(':');
    return { type, name, actions: actions.split(',').filter(action => grant(name, action)) };
  });
}

function signedToken(
  key: string,
  cert: string,
  algorithm: 'ES256' | 'RS256',
  access: unknown,
  lifetime: number,
): string {
  const now = Math.floor(Date.now() / 1000);
  const der = cert.replace(/-----[^-]+-----|\s/g, '');
  const header = { typ: 'JWT', alg: algorithm, x5c: [der] };
  const times = { exp: now + lifetime, nbf: now - 1, iat: now };
  const claims = { iss: 'test', sub: 'user', aud: 'test', ...times, jti: randomUUID(), access };
  const signed = [header, claims].map(part => base64url(JSON.stringify(part))).join('.');
  const signature = sign('sha256', Buffer.from(signed), {
    key: createPrivateKey(key),
    ...(algorithm === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}),
  });
  return `${signed}.${signature.toString('base64url')}`;
}

const base64url = (text: string) => Buffer.from(text).toString('base64url');
