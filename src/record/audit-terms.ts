/**
 * Where a package comes from. The first three are pinned: the same inputs give the same bytes. Of the
 * fourth evaluation has not seen where it is written. The other two are asked of an index or a server,
 * while the image is built or when a container starts.
 */
export const packageSources = [
  'nixpkgs',
  'wheel',
  'source',
  'unseen',
  'build-network',
  'start-network',
] as const;

/** How bad a finding is, the worst first. */
export const severities = ['error', 'warning', 'note'] as const;

/** What the audit looks for. */
export const auditRules = [
  'vm-build',
  'sandbox-off',
  'impure',
  'network-at-build',
  'network-at-start',
  'unpinned-branch',
  'fake-hash',
  'pulled-image',
  'two-cuda-versions',
  'library-twice',
  'secret-in-environment',
  'runs-as-root',
  'leftovers',
  'order',
  'bump-fragile',
] as const;
