/**
 * Inputs and flags of other tools, in the form of `plainName`, and what does the same here. What stands
 * in backquotes and begins with one of our inputs is shown as the face takes it: `push: false` is
 * `--no-push` on the command line.
 */
const byTool = {
  // docker/build-push-action, `docker build`, redhat-actions/buildah-build
  build: {
    'context file dockerfile dockerfiles containerfiles':
      'There is no Dockerfile and no context: `flake` names what is built.',
    'no-cache no-cache-filter no-cache-filters': '`reuse: false` builds everything again.',
    'cache-to':
      'Nothing is needed for it: what was pushed is remembered in its repository, at `cache-tag`.',
    'platforms archs arch':
      'An image is for the system of its attribute: a job for each platform, with a `flake` of its own.',
    'build-args build-arg':
      'A variant is an attribute of its own in `flake`, or other inputs by `override-inputs`.',
    'build-contexts build-context': '`override-inputs` replaces inputs of the flake.',
    'target targets': 'The attribute in `flake` says what is built; `layers` builds a part of it.',
    'load l': '`image: docker-archive:FILE` writes what `docker load` reads.',
    'outputs output o':
      '`image` says where it goes: a repository, `oci:DIR` or `docker-archive:FILE`.',
    'tag t': '`tags` names them.',
    f: '`flake` names what is built.',
    pull: 'Nothing is needed for it: the lock of the flake says what it is built from.',
    'builder driver': '`builders` names machines that build.',
    'secrets secret secret-envs secret-files ssh':
      'No build sees a secret; `access-tokens` is for private inputs of the flake.',
    'metadata-file':
      'The output metadata is the same; `record` writes what was built and from what.',
    'provenance sbom attests attest':
      '`record` writes what was built and from what; `audit` says where packages come from.',
    'add-hosts allow network cgroup-parent shm-size ulimit':
      'What is built is built in the sandbox of Nix, whose settings are lines of `nix-conf`.',
  },
  // docker/login-action, docker/metadata-action, redhat-actions/push-to-registry
  registry: {
    'registry images image-name': '`image` names registry and repository.',
    'username user': '`registry-username` is the name.',
    'password pass': '`registry-password` is the password.',
    'insecure insecure-registry tls-verify plain-http skip-tls-verify':
      '`insecure-registries` names registries of plain HTTP, and those whose certificate nobody knows.',
    'logout ecr': 'Nothing is needed for it: this program leaves no login behind.',
  },
  // cachix/install-nix-action, nixbuild/nix-quick-install-action, DeterminateSystems/nix-installer-action
  install: {
    'extra-nix-config extra-conf nix-config': '`nix-conf` takes such lines.',
    'github-access-token': '`github-token` is for GitHub, `access-tokens` for other servers.',
    'install-url nix-installer-url nix-package-url nix-archives-url':
      '`nix-release-url` is the address of a release or of a mirror.',
    'nix-installer-tag nix-installer-revision nix-installer-branch nix-installer-pr':
      '`nix-version` chooses a release.',
    'install-options extra-args planner init start-daemon modify-profile reinstall':
      '`install-nix` says how Nix is installed.',
    'nix-path channels': 'Flakes do not read NIX_PATH; `override-inputs` replaces their inputs.',
    'enable-kvm kvm': 'What a builder can do is a line of `nix-conf`: system-features = kvm.',
    'set-as-trusted-user trust-runner-user':
      'Who runs this is trusted where sudo allows it; `trusted-users` names others.',
    'load-nixconfig': '`accept-flake-config` is for the settings of a flake.',
    determinate: '`install-nix` says which Nix is installed.',
  },
  // cachix/cachix-action
  cachix: {
    name: '`cachix-name` names the cache.',
    extrapullnames: '`cachix-pull` names more caches to take from.',
    authtoken: '`cachix-auth-token` is the token.',
    signingkey: '`cachix-signing-key` is the key.',
    skippush: '`cachix-push: false` pushes nothing.',
    pushfilter: '`cachix-push-filter` leaves paths out.',
    pathstopush: 'All that is built is pushed; `cachix-push-filter` leaves paths out.',
    skipaddingsubstituter: 'A cache in `cachix-name` is taken from as well.',
    'usedaemon cachixargs cachixbin installcommand':
      'Nothing is needed for it: what is built is pushed while more is being built.',
  },
  // DeterminateSystems/magic-nix-cache-action, nix-community/cache-nix-action, actions/cache
  cache: {
    'use-gha-cache': "`github-cache` says whether GitHub's cache is used.",
    'use-flakehub flakehub upstream-cache': '`extra-substituters` names caches to take from.',
    'primary-key key restore-keys restore-prefixes-first-match':
      'Nothing is needed for it: what is in `github-cache` is found by what it is.',
    'gc-max-store-size save-always':
      "`github-cache-limit` is the most that one run saves in GitHub's cache.",
  },
};

/** What to do instead, as a sentence, by the names that other tools have for it. */
export const elsewhere: ReadonlyMap<string, string> = new Map(
  Object.values(byTool).flatMap(sentences =>
    Object.entries(sentences).flatMap(([names, sentence]) =>
      names.split(' ').map(name => [name, sentence] as const),
    ),
  ),
);
