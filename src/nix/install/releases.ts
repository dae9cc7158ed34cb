import { Failure } from '../../host/failure.ts';

/** Which Nix to have, and from where. */
export interface NixSettings {
  installNix: 'auto' | 'release' | 'system' | 'none';
  /** For example "2.35.2"; undefined: the newest that is pinned. */
  nixVersion?: string | undefined;
  /** The tarball's address, or a folder's that has the official file names; also `file:`. */
  nixReleaseUrl?: string | undefined;
  /** Hex or SRI sha256 of the tarball; overrides the pinned table. */
  nixReleaseSha256?: string | undefined;
}

/** A release tarball to fetch: where it is and what it must be. */
export interface Release {
  url: URL;
  /** Lower-case hex. */
  sha256: string;
  /** As its file name or the settings say; undefined when neither does. */
  version: string | undefined;
}

/**
 * Checksums (sha256, hex) of the official tarballs, newest version first. Each is what the
 * release's own installer script (`…/nix-VERSION/install`) or `.tar.xz.sha256` file states, and was
 * found the same in at least two independent public repositories, in November 2026.
 */
const pinned: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '2.35.2': {
    'x86_64-linux': '0c3960a9792331a22081c3c7a5d8465db9b17c50b3acdf18587fa4c6f2cb1158',
    'aarch64-linux': '4d0302a2910f5eec1c33b8deef634f04899a75737e7001ec49908d003ae5efda',
  },
  '2.35.1': {
    'x86_64-linux': 'c3fe29778acaa93b5095ee66e36f11ec7c6a284c40970a24cc83ac4f04809db3',
    'aarch64-linux': '79b739996f1751573b4d2b56e4ae607855184c711f2cc1274fa0952a13d4bfc9',
  },
  '2.34.8': {
    'x86_64-linux': '2c2e146b80834fe0ca201b51deeb939405b4f18e8d2071bf80b10f8123c50464',
  },
  '2.34.7': {
    'x86_64-linux': 'eafe5042404e818505e28c5ca3d0885f3ec45c31f955489a25bb38258f87560e',
    'aarch64-linux': 'f1cee64ae7a02330c6421924c28f597c41813f2214ff108622087d8056378b08',
  },
};

/** Versions whose checksums this program knows, newest first. */
export const pinnedVersions: readonly string[] = Object.keys(pinned);

/**
 * Decides which tarball to fetch for `system` (Nix's name, such as "x86_64-linux"). Throws a
 * {@link Failure} for a URL, version or checksum that cannot be used, and where no checksum is
 * known: a tarball that cannot be verified is never unpacked.
 */
export function planRelease(settings: NixSettings, system: string): Release {
  const given = settings.nixReleaseUrl;
  const place = given === undefined ? undefined : parseUrl(given);
  if (place?.pathname.endsWith('.tar.xz')) return givenTarball(place, settings, system);
  const version = settings.nixVersion ?? newest(system);
  return {
    url: tarballIn(place, version, system),
    sha256: checksum(settings, version, system),
    version,
  };
}

/** A tarball given by its own address, whose name must not contradict the rest. */
function givenTarball(url: URL, settings: NixSettings, system: string): Release {
  const named = fileNameParts(url);
  if (named && settings.nixVersion && named.version !== settings.nixVersion) {
    throw badSetting(
      `\`nix-release-url\` is a tarball of Nix ${named.version}, but \`nix-version\` is ` +
        `${settings.nixVersion}.`,
      'Leave one of the two out, or make them agree.',
    );
  }
  if (named && named.system !== system) {
    throw badSetting(
      `\`nix-release-url\` is a tarball for ${named.system}; this machine is ${system}.`,
      `Give the address of the tarball for ${system}.`,
    );
  }
  const version = named?.version ?? settings.nixVersion;
  return { url, sha256: checksum(settings, version, system), version };
}

/** A URL as it may be shown: without user, password, query and fragment. */
export function shownUrl(url: URL): string {
  return url.protocol === 'file:' ? url.href : `${url.origin}${url.pathname}`;
}

function newest(system: string): string {
  const version = pinnedVersions.find(each => pinned[each]?.[system] !== undefined);
  if (version !== undefined) return version;
  throw new Failure(`No release of Nix for ${system} is known to this program.`, {
    next:
      "Set `install-nix: system` for the distribution's Nix, or give `nix-version` and " +
      '`nix-release-sha256`.',
  });
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && ['https:', 'http:', 'file:'].includes(url.protocol)) return url;
  throw badSetting(
    'nix-release-url is not an address that begins with https://, http:// or file:///.',
    'Give the address of a tarball, or of a folder that holds tarballs with the official names.',
  );
}

/** Version and system, from the official file name `nix-VERSION-SYSTEM.tar.xz`. */
function fileNameParts(url: URL): { version: string; system: string } | undefined {
  const match = /\/nix-([0-9][^-/]*)-(\w+-linux)\.tar\.xz$/.exec(url.pathname);
  return match?.[1] && match[2] ? { version: match[1], system: match[2] } : undefined;
}

/**
 * The official server has a folder for each version; a mirror folder holds the files themselves.
 */
function tarballIn(folder: URL | undefined, version: string, system: string): URL {
  const name = `nix-${version}-${system}.tar.xz`;
  if (folder === undefined) {
    return new URL(`https://releases.nixos.org/nix/nix-${version}/${name}`);
  }
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`;
  return url;
}

/** The checksum that was given, else the pinned one; lower-case hex. */
function checksum(settings: NixSettings, version: string | undefined, system: string): string {
  if (settings.nixReleaseSha256 !== undefined) return parseSha256(settings.nixReleaseSha256);
  const known = version === undefined ? undefined : pinned[version]?.[system];
  if (known !== undefined) return known;
  throw new Failure(
    version === undefined
      ? 'The checksum of the Nix tarball is not known: its file name states no version.'
      : `The checksum of Nix ${version} for ${system} is not known to this program.`,
    {
      exitCode: 2,
      tried: `the versions with a known checksum: ${pinnedVersions.join(', ')}.`,
      next:
        'Give the sha256 of the tarball (hex, or sha256-… as Nix prints it) as ' +
        '`nix-release-sha256`, or choose one of these versions as `nix-version`.',
    },
  );
}

/** Reads a sha256 in hex or as SRI (`sha256-<base64>`); gives lower-case hex. */
export function parseSha256(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  const base64 = /^sha256-([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1];
  if (base64 !== undefined) return Buffer.from(base64, 'base64').toString('hex');
  throw badSetting(
    '`nix-release-sha256` is no sha256.',
    'Give 64 hex digits, or sha256- and 44 characters of base64.',
  );
}

function badSetting(message: string, next: string): Failure {
  return new Failure(message, { exitCode: 2, next });
}
