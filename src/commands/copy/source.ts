import { resolve } from 'node:path';
import { sourceDateEpoch } from '../../host/epoch.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { isNamed } from '../../host/presence.ts';
import type { Packing } from '../../image/compress.ts';
import { linuxOn } from '../../image/oci/choose.ts';
import { storedImage } from '../../image/oci/stored-image.ts';
import { openSource, openWhole } from '../../image/sources/detect.ts';
import { filesOfPath } from '../../image/sources/source-files.ts';
import { measuredImage, type SourceImage } from '../../image/sources/source-image.ts';
import type { CopySettings } from '../../inputs/settings.ts';
import { findNix } from '../../nix/nix.ts';
import { credentialsElsewhere } from '../../registry/credentials.ts';
import type { RegistryHosts } from '../../registry/hosts.ts';
import { parseReference } from '../../registry/reference.ts';
import { remoteStore } from '../../registry/remote.ts';
import type { ImageStore } from '../../registry/store.ts';
import { sourceStore } from '../source-store.ts';
import type { WholeSource } from './all.ts';

/** Linux on this machine's processor: chooses among the images of an index. */
export const thisMachine = linuxOn(
  { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch,
);

/** What is to be copied, found and not read yet. */
export interface CopySource {
  /** The store path that is the image, where it is one: the same one is the same image. */
  storePath?: string | undefined;
  open(packing: Packing): Promise<SourceImage>;
  /** All that is there of it: other platforms, attestations. Rejects where a source has one image alone. */
  whole(): Promise<WholeSource>;
}

/** Where a copy goes. */
interface CopyTarget {
  store: Pick<ImageStore, 'place'>;
  /** What is found out of registries, its own among them. */
  hosts: RegistryHosts;
}

/**
 * Finds the source by its form: a prefix, a path that exists, else a reference.
 *
 * @param destination where it goes to: only its login is handed to its own registry
 */
export async function findSource(
  settings: CopySettings,
  destination: CopyTarget,
  host: Host,
): Promise<CopySource> {
  const { source, workingDirectory } = settings;
  const [, rest] = /^(?:oci|oci-archive|docker-archive):(.*)$/s.exec(source) ?? [];
  if (rest !== undefined) {
    const { path, name } = await splitPath(rest, workingDirectory);
    return onMachine(path, name, settings, host);
  }
  const path = resolve(workingDirectory, source);
  // a link counts by itself: in a chroot store it leads to where nothing is
  if (/^\.{0,2}\//.test(source) || (await isNamed(path))) {
    return onMachine(path, undefined, settings, host);
  }
  return {
    open: packing => openReference(settings, destination, packing, host),
    whole: async () => {
      const { store, repository, at, tag } = readFrom(settings, destination, host);
      const name = `image ${repository}:${at}`;
      const tags = [tag ?? 'latest'];
      const close = () => store.close();
      return { reader: store, reference: at, name, tags, close };
    },
  };
}

/** Takes a path and the name of an image in it apart: both may have colons, so that what is there decides. */
async function splitPath(
  text: string,
  folder: string,
): Promise<{ path: string; name?: string | undefined }> {
  const colons = [...text.matchAll(/:/g)].map(({ index }) => index);
  for (const end of [text.length, ...colons]) {
    const path = resolve(folder, text.slice(0, end));
    if (end > 0 && (await isNamed(path))) return { path, name: text.slice(end + 1) || undefined };
  }
  // nothing is there, which is said of the part that a path is likely to be
  return { path: resolve(folder, text.split(':', 1)[0] ?? text) };
}

async function onMachine(
  path: string,
  tag: string | undefined,
  settings: CopySettings,
  host: Host,
): Promise<CopySource> {
  const { source, fromFork, platform = thisMachine } = settings;
  const isChosen = settings.platform !== undefined;
  const files = await filesOfPath(path, async () => {
    const nix = await findNix(host);
    return nix && sourceStore(nix);
  });
  return {
    // which of several images it is, a path alone does not say
    storePath: tag === undefined && !isChosen ? await files.storePath() : undefined,
    open: packing =>
      openSource(files, {
        packing,
        now: () => epoch(source, host),
        runPrograms: !fromFork,
        env: host.env,
        signal: host.signal,
        platform,
        ...(tag === undefined ? {} : { tag }),
      }),
    whole: async () => {
      const whole = await openWhole(files, { tag, platform, env: host.env });
      if (whole) return whole;
      throw new Failure(`${source} is no index of several images, and --all is for such.`, {
        next: 'Leave --all out; an OCI layout, in a folder or in an archive, can have an index.',
      });
    },
  };
}

/** The repository that a reference names. */
function readFrom(settings: CopySettings, { store: destination, hosts }: CopyTarget, host: Host) {
  const { source, credentials, insecureRegistries } = settings;
  const reference = parseReference(source.replace(/^docker:\/\//, ''));
  const repository = `${reference.registry}/${reference.repository}`;
  const store = remoteStore(reference, {
    host,
    hosts,
    insecureRegistries,
    credentials: credentialsElsewhere(credentials, destination.place, reference),
    reading: true,
  });
  const { tag, digest } = reference;
  return { store, repository, tag, at: digest ?? tag ?? 'latest' };
}

async function openReference(
  settings: CopySettings,
  destination: CopyTarget,
  packing: Packing,
  host: Host,
): Promise<SourceImage> {
  const { platform = thisMachine } = settings;
  const { store, repository, at, tag } = readFrom(settings, destination, host);
  try {
    const stored = await storedImage(store, packing, {
      reference: at,
      platform,
      name: `image ${repository}:${at}`,
      repoTags: [`${repository}:${tag ?? 'latest'}`],
    });
    const image = { ...stored, close: () => store.close() };
    return packing.compression === 'none' ? await measuredImage(image, host.signal) : image;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Seconds since the epoch for an image that says "now". */
async function epoch(source: string, { env }: Host): Promise<number> {
  const given = sourceDateEpoch(env);
  if (given !== undefined) return given;
  throw new Failure(
    `${source} says that it is made "now", and the program has to know when that is.`,
    {
      next: 'Set SOURCE_DATE_EPOCH to seconds since 1970, or give the image a fixed date.',
    },
  );
}
