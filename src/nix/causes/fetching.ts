import type { Cause } from './cause.ts';

const nix = ['build', 'evaluation'] as const;

/** What goes wrong between Nix and servers. */
export const fetching: readonly Cause[] = [
  {
    title: 'Hash mismatch',
    signs: [
      {
        in: nix,
        lines: [
          /^\s*error: hash mismatch (?:in|importing) [^'\n]*'(?<what>[^'\n]*)'/,
          /^\s*got:\s+(?<got>\S+)/,
        ],
        sure: true,
      },
    ],
    cause:
      'What was fetched is not what the flake expects: the file at the address has changed, or the ' +
      'version in the flake has and the hash has not.',
    remedy: 'Where the change is meant, put this in place of the old hash:\nhash = "<got>";',
  },
  {
    title: 'A flake input has changed',
    signs: [
      {
        in: ['evaluation'],
        lines: [/error: NAR hash mismatch in input '(?<input>[^'\n]*)'/],
        sure: true,
      },
    ],
    cause: 'The input <input> is not what flake.lock says it is.',
    remedy: 'Where the change is meant: nix flake update, and commit flake.lock.',
  },
  {
    title: "GitHub's rate limit",
    signs: [
      {
        in: nix,
        lines: [/HTTP error (?:403|429)/, /API rate limit exceeded|secondary rate limit/],
        sure: true,
      },
      {
        in: nix,
        lines: [
          /unable to download 'https:\/\/(?:[a-z.]+\.)?github(?:usercontent)?\.com\/[^'\n]*': HTTP error 429/,
        ],
        sure: true,
      },
      { in: ['log'], lines: [/API rate limit exceeded/] },
    ],
    cause: 'GitHub answers no more for this hour: few requests are allowed to who does not log in.',
    remedy:
      "Give Nix a token: `github-token` (in a workflow the job's own is taken), or `access-tokens` with a " +
      'line github.com=TOKEN. Else wait an hour.',
  },
  {
    title: "Docker Hub's rate limit",
    signs: [
      { in: ['log'], lines: [/toomanyrequests/i] },
      {
        in: nix,
        lines: [/unable to download 'https:\/\/[^'\n]*docker\.io\/[^'\n]*': HTTP error 429/],
        sure: true,
      },
    ],
    cause: 'Docker Hub gives no more images to this address for some hours.',
    remedy:
      'Take the base image from a registry without that limit (a copy in your own), by another ' +
      '`imageName` of pullImage; or wait, and let a binary cache keep what was pulled.',
  },
  {
    title: 'A login or a scope is missing',
    signs: [
      {
        in: nix,
        lines: [/unable to download '(?<url>[^'\n]*)': HTTP error (?<status>401|407)/],
        sure: true,
      },
      { in: nix, lines: [/unable to download '(?<url>[^'\n]*)': HTTP error (?<status>403)/] },
      {
        in: ['log'],
        lines: [/unable to download '(?<url>[^'\n]*)': HTTP error (?<status>401|403|407)/],
      },
      {
        in: ['log'],
        lines: [
          /unauthorized: authentication required|requested access to the resource is denied|denied: permission_denied|insufficient_scope/,
        ],
      },
    ],
    cause:
      'What is asked for needs a login, or the token lacks a scope[[: <url> (HTTP <status>)]].',
    remedy:
      'Give a token that may read it: `access-tokens` for private flake inputs, `netrc-file` in `nix-conf` for other ' +
      'addresses; for packages of GitHub the job needs `packages: read`.',
  },
  {
    title: 'A binary cache failed',
    signs: [
      { in: ['build'], lines: [/some substitutes for the outputs of derivation/], sure: true },
      {
        in: nix,
        lines: [
          /unable to download '(?<url>[^'\n]*(?:\.narinfo|\/nix-cache-info|\.nar(?:\.\w+)?))'/,
        ],
        sure: true,
      },
      {
        in: ['build'],
        lines: [/there is no substituter that can build it|error reading from [^\n]*cache/],
      },
    ],
    cause: 'A binary cache failed while Nix took from it.',
    remedy: 'Run again, or build what it lacks: `fallback = true` in `nix-conf`.',
  },
  {
    title: 'Nothing is at an address',
    signs: [
      {
        in: nix,
        lines: [/unable to download '(?<url>[^'\n]*)': HTTP error (?<status>404|410)/],
        sure: true,
      },
      {
        in: ['log'],
        lines: [/unable to download '(?<url>[^'\n]*)': HTTP error (?<status>404|410)/],
      },
      {
        in: ['log'],
        of: 'download',
        lines: [/curl: \(22\) The requested URL returned error: (?<status>404|410)/],
      },
    ],
    cause:
      'There is nothing at the address[[ <url>]] any more (HTTP <status>), or there never was.',
    remedy:
      'Open the address in a browser, and give the flake one that is there; of what is private the ' +
      'token may be missing.',
  },
  {
    title: 'A server cannot be reached',
    signs: [
      {
        in: nix,
        lines: [/unable to download '(?<url>[^'\n]*)': (?!HTTP error 40[37])(?<problem>[^;\n]*)/],
        sure: true,
      },
      { in: ['log'], lines: [/unable to download '(?<url>[^'\n]*)': (?<problem>[^;\n]*)/] },
      { in: ['log'], of: 'download', lines: [/curl: \(\d+\) (?<problem>[^\n]*)/] },
      {
        in: ['log'],
        of: 'download',
        lines: [
          /Could not resolve host|Temporary failure in name resolution|Network is unreachable/,
        ],
      },
    ],
    cause: 'What a derivation fetches cannot be had[[: <url>]][[ (<problem>)]].',
    remedy:
      'Run again; where it stays so, see whether the address is right, and whether the machine reaches ' +
      'it (a proxy, a firewall).',
  },
  {
    title: 'The network is asked for in a build',
    signs: [
      {
        in: ['log'],
        of: 'build',
        lines: [
          /Could not resolve host|Temporary failure in name resolution|Name or service not known|Network is unreachable|Failed to establish a new connection|dns error: failed to lookup address/,
        ],
      },
    ],
    cause: 'The build wants something of the network, which the sandbox keeps from it.',
    remedy:
      'Fetch it in a derivation of its own, with a hash (fetchurl, fetchFromGitHub); wheels by ' +
      '`comfy-nix prefetch`.',
  },
];
