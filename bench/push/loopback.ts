import { readFileSync } from 'node:fs';

/**
 * Bytes received over the loopback interface so far (proc(5), /proc/net/dev). In a network namespace
 * of its own, as bench/push/run makes one, these are the benchmark's alone.
 */
export function readLoopback(): number {
  const line = /^\s*lo:\s*(\d+)/m.exec(readFileSync('/proc/net/dev', 'utf8'));
  return Number(line?.[1]);
}
