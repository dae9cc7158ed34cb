import { BlockList, isIP } from 'node:net';
import { Failure } from '../failure.ts';
import type { Host } from '../host.ts';
import { isLoopback } from './loopback.ts';

/**
 * The proxy through which an address is reached; undefined: directly. As curl has it, which Nix and git
 * use: https_proxy or http_proxy by the address, else all_proxy, each also in capitals; an address
 * without a scheme is one of HTTP; no_proxy lists those that are reached directly. This machine always
 * is. Throws a {@link Failure} for a proxy that this program cannot use.
 */
export function proxyFor(url: URL, env: Host['env']): URL | undefined {
  const names = [url.protocol === 'https:' ? 'https_proxy' : 'http_proxy', 'all_proxy'];
  const given = names.flatMap(name => [name, name.toUpperCase()]).find(name => env[name]);
  const isDirect = given === undefined || isLoopback(url.host) || isExcepted(url, env);
  return isDirect ? undefined : parseProxy(given, env[given] ?? '');
}

/** Neither the address nor Node's own error is shown: there may be a password in it. */
function parseProxy(name: string, text: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  const isSocks = proxy?.protocol.startsWith('socks');
  throw new Failure(
    isSocks
      ? `${name} names a SOCKS proxy, which this program cannot use.`
      : `${name} is not the address of a proxy.`,
    {
      next: isSocks
        ? `Give it an HTTP proxy, or list in NO_PROXY what is reached without one.`
        : 'Write it as http://host:port.',
    },
  );
}

/** Whether no_proxy lists the address: `*`, names with all below them, addresses and networks. */
function isExcepted({ hostname, port, protocol }: URL, env: Host['env']): boolean {
  const host = withoutBrackets(hostname);
  const actualPort = port || (protocol === 'https:' ? '443' : '80');
  const entries = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter(each => each !== '');
  return entries.some(entry => {
    if (entry === '*') return true;
    const [, name = entry, ofPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
    if (ofPort !== undefined && ofPort !== actualPort) return false;
    const excepted = withoutBrackets(name).toLowerCase();
    return isIP(host) ? isIn(excepted, host) : isBelow(host, excepted.replace(/^\*?\./, ''));
  });
}

const isBelow = (host: string, domain: string) => host === domain || host.endsWith(`.${domain}`);

/** Whether an IP address is the one that is listed, or lies in the network, such as 10.0.0.0/8. */
function isIn(entry: string, address: string): boolean {
  const [network = '', bits] = entry.split('/');
  const family = familyOf(network);
  if (family === undefined || family !== familyOf(address)) return false;
  const longest = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? longest : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > longest) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family);
  return list.check(address, family);
}

const familyOf = (address: string) =>
  ({ 0: undefined, 4: 'ipv4', 6: 'ipv6' })[isIP(address)] as 'ipv4' | 'ipv6' | undefined;

const withoutBrackets = (host: string) => host.replace(/^\[(.*)\]$/, '$1');
