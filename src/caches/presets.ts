import type { Substituter } from './types.ts';

/**
 * Public caches that have CUDA builds of nixpkgs, best first, with the keys that their operators
 * publish (nixos-cuda/infra, flox.dev, nix-community.org; each compared with a second source).
 */
export const cudaCaches: readonly Substituter[] = [
  {
    url: 'https://cache.nixos-cuda.org',
    publicKeys: ['cache.nixos-cuda.org:74DUi4Ye579gUqzH4ziL9IyiJBlDpMRn9MBN8oNan9M='],
  },
  {
    url: 'https://cache.flox.dev',
    publicKeys: ['flox-cache-public-1:7F4OyH7ZCnFhcze3fJdfyXYLQw/aV7GEed86nQ7IsOs='],
  },
  {
    url: 'https://nix-community.cachix.org',
    publicKeys: ['nix-community.cachix.org-1:mB9FSh9qf2dCimDSUo8Zy7bkq5CX+/rkCWyvRCYg3Fs='],
  },
];

/** Caches that old instructions still name, and why nothing is to be had from them. */
export const abandonedCaches: ReadonlyMap<string, string> = new Map([
  [
    'https://cuda-maintainers.cachix.org',
    'it is abandoned and refuses all requests; cache.nixos-cuda.org has taken its place',
  ],
]);
