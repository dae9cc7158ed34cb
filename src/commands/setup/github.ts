import { hasGithubCache } from '../../caches/github/runner.ts';
import type { GithubCache } from '../../caches/github-cache.ts';
import type { Host } from '../../host/host.ts';
import { warn } from '../../host/say.ts';
import type { SetupSettings } from '../../inputs/settings.ts';
import { type Transport, transport } from '../../nix/install/download.ts';
import { describeMachine } from '../../nix/install/machine.ts';
import type { NixSettings } from '../../nix/install/releases.ts';
import { planRelease } from '../../nix/install/releases.ts';

/** Opens GitHub's cache where the settings and the runner have one. */
export async function openGithub(
  { caches }: SetupSettings,
  host: Host,
): Promise<GithubCache | undefined> {
  const { use } = caches.github;
  if (use === 'false') return undefined;
  if (hasGithubCache(host.env)) {
    const { openGithubCache } = await import('../../caches/github-cache.ts');
    return openGithubCache(host);
  }
  if (use === 'true') {
    const message = "GitHub's cache is not used: only actions in a workflow can reach it.";
    warn(host, message);
  }
  return undefined;
}

/** The way by which a release of Nix comes, if one must be installed: through the cache first. */
export function releaseTransport(
  github: GithubCache | undefined,
  settings: NixSettings,
  host: Host,
): Transport {
  if (github === undefined) return transport;
  let made: Promise<Transport> | undefined;
  const throughCache = () => {
    made ??= describeMachine(host).then(({ system }) =>
      github.tarballTransport(planRelease(settings, system)),
    );
    return made;
  };
  return {
    probe: async (url, on) => (await throughCache()).probe(url, on),
    download: async (url, file, on) => (await throughCache()).download(url, file, on),
  };
}
