import type { DerivationKind, Stream } from '../../../src/nix/causes/cause.ts';

/** What a real program said when something failed. */
export interface RecordedWords {
  /** The cause's title in the table. */
  title: string;
  in: Stream;
  kind?: DerivationKind;
  text: string;
  /** Where it was read, if not from the Nix of these tests. */
  from?: string;
  /** What has to be in cause or remedy. */
  told?: string;
}

const drv = '/nix/store/8ac8rqp26rj89vw2hgim178ycd9k6612-x.drv';
const copy = '/nix/store/j884hkcjwxzd0z1v420piap8hh5qj97s-source';
const cannotBuild = (reason: string) =>
  `error: Cannot build '${drv}'.\n       Reason: ${reason}\n       Output paths:\n         ${drv.slice(0, -4)}`;
const failed = [
  `error: builder for '${drv}' failed with exit code 1`,
  cannotBuild('builder failed with exit code 1.'),
];

/** Each sign of the table has one of these, but for what the tests with real Nix bring about. */
export const recordedWords: readonly RecordedWords[] = [
  {
    title: 'Hash mismatch',
    in: 'build',
    text: `error: hash mismatch in fixed-output derivation '${drv}':\n         specified: sha256-AAA=\n            got:    sha256-h0KPxSKAPTEGXnvOPPA/5HUJZjHl4Hu9eg/eYMTPJcc=`,
    told: 'hash = "sha256-h0KPxSKAPTEGXnvOPPA/5HUJZjHl4Hu9eg/eYMTPJcc=";',
  },
  {
    title: 'Hash mismatch',
    in: 'evaluation',
    text: "error: hash mismatch in file downloaded from 'http://127.0.0.1/there':\n         specified: sha256:0000\n         got:       sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic",
    told: 'sha256:094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic',
  },
  {
    title: 'A flake input has changed',
    in: 'evaluation',
    from: 'github.com/eza-community/eza/issues/732',
    text: "error: NAR hash mismatch in input 'http://rime.cx/v1/github/semnix/flake-utils.tar.gz?narHash=sha256-zsNZZGTGnMOf9YpHKJqMSsa0dXbfmxeoJ7xHlrt+xmY=' (/nix/store/pgid9c9xfcrbqx2giry0an0bi0df7s5c-source), expected 'sha256-zsNZZGTGnMOf9YpHKJqMSsa0dXbfmxeoJ7xHlrt+xmY=', got 'sha256-kAuep2h5ajznlPMD9rnQyffWG8EM/C73lejGofXvdM8='",
    told: 'nix flake update',
  },
  {
    title: "GitHub's rate limit",
    in: 'evaluation',
    from: 'github.com/DeterminateSystems/zero-to-nix/issues/340',
    text: `error:\n       … while fetching the input 'github:NixOS/nixpkgs/nixpkgs-unstable'\n\n       error: unable to download 'https://api.github.com/repos/NixOS/nixpkgs/commits/nixpkgs-unstable': HTTP error 403\n\n       response body:\n\n       {"message":"API rate limit exceeded for 192.0.2.1. (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting"}`,
    told: '`access-tokens`',
  },
  {
    title: "GitHub's rate limit",
    in: 'evaluation',
    from: 'github.com/NixOS/nix/issues/12419',
    text: "error: unable to download 'https://github.com/NixOS/nixpkgs/raw/master/nixos/modules/installer/tools/nix-fallback-paths.nix': HTTP error 429\n\n       response body:\n\n       429: Too Many Requests",
  },
  {
    title: "GitHub's rate limit",
    in: 'log',
    kind: 'download',
    text: '{"message":"API rate limit exceeded for 192.0.2.1."}',
  },
  {
    title: "Docker Hub's rate limit",
    in: 'log',
    kind: 'download',
    from: 'github.com/AliyunContainerService/image-syncer/issues/160',
    text: 'reading manifest 1.13 in docker.io/library/nginx: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
  },
  {
    title: "Docker Hub's rate limit",
    in: 'build',
    text: "error: unable to download 'https://registry-1.docker.io/v2/library/nginx/manifests/1.13': HTTP error 429",
  },
  {
    title: 'A login or a scope is missing',
    in: 'build',
    from: 'github.com/NixOS/nix/pull/15877',
    text: "error: unable to download 'https://cache.flakehub.com/qnfhg5anpfpr4il3jlp9bnkf6vhyzbnj.narinfo': HTTP error 401",
    told: '(HTTP 401)',
  },
  {
    title: 'A login or a scope is missing',
    in: 'evaluation',
    text: "error: unable to download 'https://api.github.com/repos/me/private/tarball/0123': HTTP error 403 ('Forbidden')",
  },
  {
    title: 'A login or a scope is missing',
    in: 'log',
    kind: 'download',
    from: 'github.com/podman-container-tools/skopeo/issues/1929',
    text: 'FATA[0001] initializing source docker://tagless:test: reading manifest test in docker.io/library/tagless: requested access to the resource is denied',
  },
  {
    title: 'A login or a scope is missing',
    in: 'log',
    kind: 'download',
    text: "       error: unable to download 'https://ghcr.io/v2/me/private/blobs/sha256:0': HTTP error 401",
  },
  {
    title: 'A binary cache failed',
    in: 'build',
    text: `error: some substitutes for the outputs of derivation '${drv}' failed (usually happens due to networking issues); try '--fallback' to build derivation from source `,
  },
  {
    title: 'A binary cache failed',
    in: 'evaluation',
    text: "error: unable to download 'http://127.0.0.1:9/nix-cache-info': Couldn't connect to server (7)",
  },
  {
    title: 'A binary cache failed',
    in: 'build',
    text: `error: path '${drv.slice(0, -4)}' is required, but there is no substituter that can build it`,
  },
  {
    title: 'Nothing is at an address',
    in: 'evaluation',
    text: "error: unable to download 'http://127.0.0.1/none': HTTP error 404 ('Not Found')\n\n       response body:\n\n       nope",
    told: 'http://127.0.0.1/none any more (HTTP 404)',
  },
  {
    title: 'Nothing is at an address',
    in: 'log',
    kind: 'download',
    text: "error: unable to download 'http://127.0.0.1/none': HTTP error 404 ('Not Found')",
  },
  {
    title: 'Nothing is at an address',
    in: 'log',
    kind: 'download',
    text: 'curl: (22) The requested URL returned error: 404\nerror: cannot download x from any mirror',
    told: 'at the address any more',
  },
  {
    title: 'A server cannot be reached',
    in: 'evaluation',
    text: "error:\n       … while fetching the input 'github:nobody/nothing'\n\n       error: unable to download 'https://api.github.com/repos/nobody/nothing/commits/HEAD': Could not resolve hostname (6) Could not resolve host: api.github.com",
    told: '(Could not resolve hostname (6)',
  },
  {
    title: 'A server cannot be reached',
    in: 'log',
    text: "error: unable to download 'http://127.0.0.1:9/x.tar.gz': Couldn't connect to server (7)",
  },
  {
    title: 'A server cannot be reached',
    in: 'log',
    kind: 'download',
    text: 'curl: (28) Operation timed out after 300000 milliseconds',
    told: '(Operation timed out',
  },
  {
    title: 'A server cannot be reached',
    in: 'log',
    kind: 'download',
    text: 'fatal: unable to access: Could not resolve host: example.org',
    told: 'cannot be had.',
  },
  {
    title: 'The network is asked for in a build',
    in: 'log',
    kind: 'build',
    text: 'WARNING: Retrying (Retry(total=4)) after connection broken by \'NewConnectionError("Failed to establish a new connection: [Errno -3] Temporary failure in name resolution")\': /simple/torch/',
  },
  {
    title: 'Virtualisation (kvm) is missing',
    in: 'build',
    from: 'github.com/input-output-hk/jormungandr-nix/issues/12',
    text: "error: a 'x86_64-linux' with features {kvm} is required to build '/nix/store/r94znrfapr3z053y894zrp060bq4n87h-docker-layer-jormungandr-standalone.drv', but I am a 'x86_64-linux' with features {benchmark, big-parallel, nixos-test}",
  },
  {
    title: 'Virtualisation (kvm) is missing',
    in: 'build',
    text: `${cannotBuild('missing system features')}\n       Required features: {kvm}\n       Available features: {nixos-test}`,
  },
  {
    title: "The virtual machine's disk is full",
    in: 'log',
    kind: 'virtual machine',
    text: 'tar: ./nix/store/x: Cannot write: No space left on device',
    told: 'diskSize',
  },
  {
    title: "The virtual machine's disk is full",
    in: 'log',
    from: 'github.com/nix-community/disko/issues/1017',
    text: 'cp: No space left on device\n[   38.913298] Kernel panic - not syncing: Attempted to kill init!',
  },
  {
    title: 'The virtual machine crashed',
    in: 'log',
    from: 'github.com/NixOS/nixpkgs/issues/393677',
    text: "switch_root: can't execute '/nix/store/xvxrxl7cp7fmg5k5c3mx055vml5drrrc-vm-run-stage2': Invalid argument\n[  151.928608] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
  },
  {
    title: 'The virtual machine crashed',
    in: 'log',
    from: 'github.com/kadena-io/chainweb-data/issues/189',
    text: './run-vm: line 5:    12 Segmentation fault      /nix/store/cfvrcbmb5bvvrz63f4c5dyvvijwfgg74-qemu-host-cpu-only-8.1.0/bin/qemu-kvm -cpu max -nographic',
  },
  {
    title: 'The virtual machine crashed',
    in: 'log',
    from: 'github.com/supabase/nix-postgres/issues/39',
    text: "qemu-kvm: ../softmmu/physmem.c:2419: iotlb_to_section: Assertion `section_index < d->map.sections_nb' failed.",
  },
  {
    title: 'The virtual machine crashed',
    in: 'log',
    from: 'github.com/supabase/nix-postgres/issues/39',
    text: 'Could not access KVM kernel module: Permission denied\nqemu-kvm: failed to initialize kvm: Permission denied\nqemu-kvm: falling back to tcg',
  },
  ...failed.map(
    (text): RecordedWords => ({
      title: 'The virtual machine crashed',
      in: 'build',
      kind: 'virtual machine',
      text,
    }),
  ),
  {
    title: 'A package is for another system',
    in: 'build',
    text: `error: a 'aarch64-linux' with features {} is required to build '${drv}', but I am a 'x86_64-linux' with features {benchmark, big-parallel, kvm, nixos-test}`,
    told: 'on aarch64-linux alone, and this machine is x86_64-linux',
  },
  {
    title: 'A package is for another system',
    in: 'build',
    text: `${cannotBuild('platform mismatch')}\n       Required system: 'aarch64-linux'\n       Current system: 'x86_64-linux'`,
    told: 'on aarch64-linux alone, and this machine is x86_64-linux',
  },
  {
    title: 'A feature of the machine is missing',
    in: 'build',
    text: `error: a 'x86_64-linux' with features {cuda} is required to build '${drv}', but I am a 'x86_64-linux' with features {benchmark, kvm}`,
    told: 'themselves cuda',
  },
  {
    title: 'A feature of the machine is missing',
    in: 'build',
    text: `${cannotBuild('missing system features')}\n       Required features: {cuda}\n       Available features: {kvm}`,
    told: 'themselves cuda',
  },
  {
    title: 'Silent for too long',
    in: 'build',
    text: `error: building of '${drv}!*' from .drv file timed out after 2 seconds of silence`,
    told: 'for 2 seconds',
  },
  {
    title: 'Timed out',
    in: 'build',
    text: `error: building of '${drv}!*' from .drv file timed out after 2 seconds`,
    told: 'took 2 seconds',
  },
  { title: 'Timed out', in: 'build', text: 'error: timed out after 2 seconds', told: '2 seconds' },
  {
    title: 'Too much log',
    in: 'build',
    text: `error: building derivation '${drv}' killed after writing more than 1000 bytes of log output`,
    told: '1000 bytes',
  },
  {
    title: 'A build is out of memory',
    in: 'build',
    text: cannotBuild('builder failed with exit code 137.'),
  },
  {
    title: 'A build is out of memory',
    in: 'build',
    text: `error: builder for '${drv}' failed due to signal 9 (Killed)`,
  },
  {
    title: 'A build is out of memory',
    in: 'log',
    text: 'c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.',
  },
  { title: 'A build is out of memory', in: 'build', text: 'Nix was killed while it built.' },
  {
    title: 'The Nix daemon went away',
    in: 'build',
    from: 'github.com/DeterminateSystems/nix-installer-action/issues/185',
    text: 'error: Nix daemon disconnected unexpectedly (maybe it crashed?)',
  },
  {
    title: 'The sandbox is refused',
    in: 'build',
    text: `error: derivation '${drv}' has '__noChroot' set, but that's not allowed when 'sandbox' is 'true'`,
  },
  {
    title: 'No sandbox can be made',
    in: 'build',
    from: 'github.com/NixOS/nix/issues/13128',
    text: "error: this system does not support the kernel namespaces that are required for sandboxing; use '--no-sandbox' to disable sandboxing",
  },
  {
    title: 'The disk of temporary files is full',
    in: 'build',
    from: 'github.com/NixOS/nix/issues/8732',
    text: "error: creating directory '/tmp/nix-build-nixos-22.11.drv-1': No space left on device",
    told: '/tmp/nix-build-nixos-22.11.drv-1',
  },
  {
    title: "The store's disk is full",
    in: 'build',
    text: 'error: writing to file: No space left on device',
  },
  {
    title: "The store's disk is full",
    in: 'evaluation',
    text: 'error: committing transaction: database or disk is full (in /nix/var/nix/db/db.sqlite)',
  },
  {
    title: 'A build has no space left',
    in: 'log',
    kind: 'build',
    from: 'github.com/NixOS/nix/issues/13410',
    text: 'dist/.copyFile113018-510.tmp: copyFile: resource exhausted (No space left on device)',
  },
  {
    title: 'A licence is not allowed (unfree)',
    in: 'evaluation',
    from: 'github.com/NixOS/nixpkgs/issues/170463',
    text: 'error: Package ‘geekbench-5.4.4’ in /nix/pkgs/tools/misc/geekbench/default.nix:35 has an unfree license (‘unfree’), refusing to evaluate.',
    told: 'geekbench-5.4.4',
  },
  {
    title: 'A licence is not allowed (unfree)',
    in: 'evaluation',
    from: 'github.com/NixOS/nixpkgs/issues/562132',
    text: `error:\n       … while evaluating a branch condition\n\n       error: Refusing to evaluate package 'dumpifs-0-unstable-2020-05-07' in ${copy}/pkgs/by-name/du/dumpifs/package.nix:50 because it has an unfree license (‘unfree’)`,
    told: 'dumpifs-0-unstable-2020-05-07',
  },
  {
    title: 'A package is known to be insecure',
    in: 'evaluation',
    from: 'github.com/cachix/devenv/issues/1002',
    text: `error: Package ‘nix-2.16.2’ in ${copy}/pkgs/tools/package-management/nix/default.nix:229 is marked as insecure, refusing to evaluate.`,
    told: '[ "nix-2.16.2" ]',
  },
  {
    title: 'A package is known to be insecure',
    in: 'evaluation',
    text: `error: Refusing to evaluate package 'ecdsa-0.19.1' in ${copy}/default.nix:43 because it is marked as insecure`,
    told: '[ "ecdsa-0.19.1" ]',
  },
  {
    title: 'A package is broken, or not for this system',
    in: 'evaluation',
    text: `error: Package ‘cuda-12’ in ${copy}/default.nix:43 is not available on the requested hostPlatform:`,
  },
  {
    title: 'A package is broken, or not for this system',
    in: 'evaluation',
    text: `error: Refusing to evaluate package 'cuda-12' in ${copy}/default.nix:43 because it is not available on the requested hostPlatform`,
  },
  {
    title: 'Evaluation is out of memory',
    in: 'evaluation',
    text: 'GC Warning: Out of Memory! Heap size: 384 MiB. Returning NULL!',
  },
  {
    title: 'Evaluation is out of memory',
    in: 'evaluation',
    text: 'Nix was killed while it evaluated.',
  },
  {
    title: 'A file is not known to git',
    in: 'evaluation',
    text: `error: Path 'un.nix' in the repository "/src" is not tracked by Git.\n\n       To make it visible to Nix, run:\n\n       git -C "/src" add "un.nix"`,
    told: 'git add -N un.nix',
  },
  {
    title: 'A file is not known to git',
    in: 'evaluation',
    text: `error: getting status of '${copy}/un.nix': No such file or directory`,
    told: 'git add -N un.nix',
  },
  {
    title: 'A file is not known to git',
    in: 'evaluation',
    text: `error: path '${copy}/nix/un.nix' does not exist`,
    told: 'git add -N nix/un.nix',
  },
  {
    title: 'A file is not known to git',
    in: 'evaluation',
    text: `error: Path 'un.nix' does not exist in Git repository "/src".`,
    told: 'git add -N un.nix',
  },
  {
    title: 'A shallow clone',
    in: 'evaluation',
    text: "error: '/src' is a shallow Git repository, but a non-shallow repository is needed",
    told: '`fetch-depth: 0`',
  },
  {
    title: 'A shallow clone',
    in: 'evaluation',
    from: 'github.com/NixOS/nix/issues/16212',
    text: "error: '/src' is a shallow Git repository, so 'revCount' is not available",
  },
  {
    title: 'A shallow clone',
    in: 'evaluation',
    text: "error: attribute 'revCount' missing\n       at /src/flake.nix:16:41:",
  },
  {
    title: 'A shallow clone',
    in: 'evaluation',
    from: 'github.com/NixOS/nix/pull/13265',
    text: "error: getting parent of Git commit 'b84683a868d74413ba54bd3c7da8bd57a94a8c8a': object not found - no match for id (cfad7cc96b05c722c83ea7c41269a6910c0a2020)",
  },
  {
    title: 'A revision is not there',
    in: 'evaluation',
    text: "error: Cannot find Git revision '0123456789012345678901234567890123456789' in ref 'main' of repository 'https://example.org/x'! Please make sure that the rev exists on the ref you've specified or add allRefs = true; to fetchGit.",
  },
  {
    title: 'A name that is not there',
    in: 'evaluation',
    text: "error: attribute 'cudn' missing\n\n       at /src/flake.nix:39:56:\n\n           39|  s.cudn\n       Did you mean cudnn?",
    told: 'Did you mean cudnn?',
  },
  {
    title: 'Something of the machine is asked for',
    in: 'evaluation',
    text: "error: access to absolute path '/etc/hostname' is forbidden in pure eval mode (use '--impure' to override)",
    told: '/etc/hostname',
  },
];
