import { Failure } from '../../host/failure.ts';

import { allPins, type Lock, type SourcePin, setPin, sriOf } from '../../wheels/lock.ts';
import type { Pinned } from '../../wheels/pin.ts';
import { readCheckout } from '../../wheels/sources/git.ts';
import { describeVariant } from '../../wheels/variant.ts';
import { fileNameOf } from '../../wheels/wheel-name.ts';
import type { PrefetchRun } from './run.ts';

/**
 * `--verify`: downloads all that a lock names and compares. Resolves with the lock, in which pins that
 * were never confirmed are confirmed now.
 * @throws Failure that names each file that is another one
 */
export async function verifyLock(lock: Lock, run: PrefetchRun): Promise<Lock> {
  const wheels = await Promise.all(allPins(lock).map(each => verifyWheel(each, run)));
  const sources = await Promise.all(
    Object.entries(lock.sources).map(([name, pin]) => verifySource(name, pin, run)),
  );
  const wrong = [...wheels, ...sources].flatMap(result => ('wrong' in result ? result.wrong : []));
  if (wrong.length > 0) {
    throw new Failure(
      'Files are not what the lock, or their index, says. The lock was left as it is.',
      {
        evidence: wrong,
        tried: 'Everything was downloaded and hashed.',
        next: 'Do not use these files before you know why.',
      },
    );
  }
  const verified: Lock = { ...lock, wheels: {}, sources: {} };
  for (const result of wheels) {
    if ('pin' in result) setPin(verified, result.variant, result.name, result.pin);
  }
  for (const result of sources) if ('pin' in result) verified.sources[result.name] = result.pin;
  return verified;
}

async function verifyWheel(
  { variant, name, pin }: Pinned,
  { downloads }: PrefetchRun,
): Promise<Pinned | { wrong: string }> {
  const { sha256, size, tree } = await downloads.hash(pin.url);
  const found = sriOf(sha256);
  const file = `${fileNameOf(pin.url)} (${describeVariant(variant)})`;
  if (found !== pin.hash) {
    return { wrong: `${file}: expected ${pin.hash}, found ${found} at ${pin.url}` };
  }
  if (pin.unpacked !== undefined && tree !== undefined) {
    const of = 'refused' in tree ? tree.refused : tree.unpacked;
    if (of !== pin.unpacked)
      return { wrong: `${file}, its tree: expected ${pin.unpacked}, found ${of}` };
  }
  return { variant, name, pin: { ...pin, size, ...confirmed(pin) } };
}

async function verifySource(
  name: string,
  pin: SourcePin,
  run: PrefetchRun,
): Promise<{ name: string; pin: SourcePin } | { wrong: string }> {
  const found = await hashOfSource(pin, run);
  if (found === pin.hash) return { name, pin: { ...pin, ...confirmed(pin) } };
  const where = 'rev' in pin ? `${pin.rev} of ${pin.url}` : pin.url;
  return { wrong: `${name}: expected ${pin.hash}, found ${found} at ${where}` };
}

async function hashOfSource(
  pin: SourcePin,
  { settings, host, downloads }: PrefetchRun,
): Promise<string> {
  if (!('rev' in pin)) return sriOf((await downloads.hash(pin.url)).sha256);
  const { hash } = await readCheckout(pin.url, pin.rev, settings.temporaryDirectory, host);
  return hash;
}

/** What the bytes have confirmed is no longer in doubt. */
function confirmed({ digest }: { digest: string }) {
  return digest === 'unconfirmed' ? { digest: 'download' as const, note: undefined } : {};
}
