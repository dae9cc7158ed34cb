import { Failure } from '../../host/failure.ts';
import { Unreachable } from '../../host/http/message.ts';
import { atOnce } from '../../host/limits.ts';
import type { PrefetchSettings } from '../../inputs/settings.ts';
import { gigabytes, measureSpace } from '../../nix/disk-space.ts';
import { allPins, type Lock, sriOf, type WheelPin } from '../../wheels/lock.ts';
import { partialBytes } from '../../wheels/partial-downloads.ts';
import type { Pinned } from '../../wheels/pin.ts';
import { treeIn } from '../../wheels/pin.ts';
import { fileNameOf } from '../../wheels/wheel-name.ts';
import type { Findings, PrefetchRun } from './run.ts';

/** Whether what is downloaded is looked at for its tree. */
export const wantsTrees = ({ unpacked, verify }: PrefetchSettings, before: Lock | undefined) =>
  unpacked ||
  (verify && before !== undefined && allPins(before).some(({ pin }) => pin.unpacked !== undefined));

/**
 * `--unpacked`: adds the hashes of trees to pins that lack them; a wheel of several variants is
 * downloaded once. What cannot be told stays away.
 * @throws Failure where a file is not what its pin says, or the disk has no room
 */
export async function withTrees(
  pinned: readonly Pinned[],
  run: PrefetchRun,
): Promise<Findings<Pinned[]>> {
  const byHash = Map.groupBy(
    pinned.map(({ pin }) => pin),
    ({ hash }) => hash,
  );
  const { unpacked, check } = run.settings;
  const fresh = [...byHash.values()].flatMap(([pin, ...others]) =>
    pin && unpacked && !check && treeIn([pin, ...others]).unpacked === undefined ? [pin] : [],
  );
  await askForRoom(fresh, run.downloads.folder);
  const found = await Promise.all(
    fresh.map(async pin => [pin.hash, await hashTree(pin, run)] as const),
  );
  const trees = new Map(found);
  const pins = pinned.map(each => {
    const known = treeIn(byHash.get(each.pin.hash) ?? []);
    return { ...each, pin: { ...each.pin, ...known, ...trees.get(each.pin.hash)?.fields } };
  });
  return { pins, unknown: found.flatMap(([, { unknown }]) => unknown ?? []) };
}

/** What the lock gets of one wheel, or why it gets nothing. */
interface Answer {
  fields?: Pick<WheelPin, 'unpacked' | 'leftOut'>;
  unknown?: string;
}

async function hashTree(pin: WheelPin, { downloads }: PrefetchRun): Promise<Answer> {
  const file = fileNameOf(pin.url);
  const answer = await downloads.hash(pin.url).catch(error => {
    if (error instanceof Unreachable) return error;
    throw error;
  });
  if (answer instanceof Unreachable) {
    return { unknown: `${answer.message} The lock does not have the hash of the tree of ${file}.` };
  }
  if (sriOf(answer.sha256) !== pin.hash) throw anotherFile(pin, sriOf(answer.sha256));
  const { tree } = answer;
  if (tree === undefined || 'refused' in tree) {
    return { unknown: `${file} has no tree, and its build will say so, too: ${tree?.refused}` };
  }
  const { unpacked, leftOut } = tree;
  return { fields: { unpacked, ...(leftOut.length === 0 ? {} : { leftOut }) } };
}

const anotherFile = ({ url, hash, source }: WheelPin, found: string) =>
  new Failure(
    `${fileNameOf(url)} is not the file that ${source} lists. The lock was left as it is.`,
    {
      evidence: [`expected ${hash}`, `found    ${found} at ${url}`],
      next: 'Do not use this file before you know why.',
    },
  );

/** As many of the largest as are downloaded at a time have to fit. */
async function askForRoom(pins: readonly WheelPin[], folder: string): Promise<void> {
  const sizes = pins.map(({ size }) => size ?? 0).sort((a, b) => b - a);
  const needed = sizes.slice(0, atOnce.downloads).reduce((sum, size) => sum + size, 0);
  if (needed === 0) return;
  const [{ free }, there] = await Promise.all([measureSpace(folder), partialBytes(folder)]);
  if (needed <= free + there) return;
  throw new Failure(
    `There is no room for the downloads: ${gigabytes(free)} are free at ${folder}.`,
    {
      tried: `${atOnce.downloads} wheels are there at a time; the largest have ${gigabytes(needed)}.`,
      next: 'Free some space, or set XDG_CACHE_HOME to a folder that has it.',
    },
  );
}
