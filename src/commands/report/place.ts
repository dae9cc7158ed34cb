import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import type { ReportSettings } from '../../inputs/settings.ts';
import { tagsOfLayout } from '../../registry/layout-index.ts';
import { openStore } from '../../registry/open.ts';
import { localPlace, parseReference } from '../../registry/reference.ts';
import { remoteStore } from '../../registry/remote.ts';
import type { ImageStore } from '../../registry/store.ts';
import { absoluteImage } from '../places.ts';

/** Where a run is looked up. */
export interface RunPlace {
  store: ImageStore;
  /** A tag or a digest; undefined: the last run is asked for. */
  at: string | undefined;
  /** All tags that may be of memories. */
  tags(): Promise<readonly string[]>;
}

/** Opens the layout, or the repository, that an image is named by; nothing is asked yet. */
export function openPlace(settings: ReportSettings, host: Host): RunPlace {
  const { run, workingDirectory, credentials, insecureRegistries } = settings;
  const options = { host, credentials, insecureRegistries, reading: true };
  const [, layout, layoutTag] = /^(oci:.+):([^:/]+)$/.exec(run) ?? [];
  const local = localPlace(absoluteImage(layout ?? run, workingDirectory));
  if (local?.kind === 'docker-archive') {
    throw new Failure('A docker-archive holds no record of the run that made it.', {
      next: 'Give the file that the input record of its build wrote.',
      exitCode: 2,
    });
  }
  if (local !== undefined) {
    const store = openStore(`oci:${local.path}`, options);
    return { store, at: layoutTag, tags: () => tagsOfLayout(local.path) };
  }
  const reference = parseReference(run.replace(/^docker:\/\//, ''));
  const store = remoteStore(reference, options);
  return {
    store,
    at: reference.digest ?? reference.tag,
    tags: async () => (await store.tagsWith?.('cache-')) ?? [],
  };
}
