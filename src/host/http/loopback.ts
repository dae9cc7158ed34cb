import { isIPv4 } from 'node:net';

/** Whether a host ("localhost:5000") is this machine: it is reached without a proxy, and TLS. */
export function isLoopback(hostAndPort: string): boolean {
  const host = hostAndPort.replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));
}
