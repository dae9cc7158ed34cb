import type { Cause } from './cause.ts';

const withoutMachine =
  'Make the image without runAsRoot: fakeRootCommands, or `directories` and `root` of a recipe.';

/** Nix says what it was doing: "writing to file", "committing transaction". */
const storeFull =
  /^\s*error: (?:\w+ )?(?:to )?(?:writ|creat|open|link|renam|truncat|extend|copy|mov)\w*\b[^\n]*: No space left on device|database or disk is full/;

/** What goes wrong with machines: memory, disks, time, systems, sandboxes. */
export const building: readonly Cause[] = [
  {
    title: 'Virtualisation (kvm) is missing',
    signs: [
      {
        in: ['build'],
        lines: [/error: a '[^'\n]*' with features \{[^}\n]*\bkvm\b[^}\n]*\} is required to build/],
        sure: true,
      },
      {
        in: ['build'],
        lines: [/Reason: missing system features/, /Required features: \{[^}\n]*\bkvm\b/],
        sure: true,
      },
    ],
    cause:
      "The build runs a virtual machine, as runAsRoot of nixpkgs' dockerTools does, and this machine " +
      'has no /dev/kvm for it.',
    remedy: `${withoutMachine} Or build on a machine with /dev/kvm.`,
  },
  {
    title: "The virtual machine's disk is full",
    signs: [
      { in: ['log'], of: 'virtual machine', lines: [/No space left on device/] },
      {
        in: ['log'],
        lines: [/No space left on device/, /Kernel panic|\bqemu-|\/dev\/vda|disk-image\.qcow2/],
      },
    ],
    cause:
      'The disk inside the virtual machine that runs runAsRoot is full; that of this machine is not ' +
      'meant.',
    remedy: `Give it a larger one: diskSize = 8192; (MB) at buildImage. ${withoutMachine}`,
  },
  {
    title: 'The virtual machine crashed',
    signs: [
      {
        in: ['log'],
        lines: [
          /Kernel panic - not syncing|switch_root: can't execute|qemu-\S+: [^\n]*Assertion|\bqemu-\S+ [^\n]*(?:Segmentation fault|Aborted)|(?:Segmentation fault|Aborted) [^\n]*\/bin\/qemu-/,
        ],
      },
      { in: ['log'], lines: [/Could not access KVM kernel module|falling back to tcg/] },
      {
        in: ['build'],
        of: 'virtual machine',
        lines: [/builder (?:for '[^'\n]*' )?failed with exit code/],
      },
    ],
    cause:
      'The virtual machine that runs runAsRoot has crashed, could not start, or a command in it failed.',
    remedy: `See in its log what its commands said last. ${withoutMachine}`,
  },
  {
    title: 'A package is for another system',
    signs: [
      {
        in: ['build'],
        lines: [
          /error: a '(?<system>[^'\n]*)' with features \{[^}\n]*\} is required to build '[^'\n]*', but I am a '(?!\k<system>')(?<here>[^'\n]*)'/,
        ],
        sure: true,
      },
      {
        in: ['build'],
        lines: [
          /Reason: platform mismatch/,
          /Required system: '(?<system>[^'\n]*)'/,
          /Current system: '(?<here>[^'\n]*)'/,
        ],
        sure: true,
      },
    ],
    cause: 'It can be built on <system> alone, and this machine is <here>.',
    remedy:
      'Build it on a machine of that system: a runner (for aarch64-linux one of ARM, `runs-on: ' +
      'ubuntu-24.04-arm`), or a remote builder in `builders`.',
  },
  {
    title: 'A feature of the machine is missing',
    signs: [
      {
        in: ['build'],
        lines: [/error: a '[^'\n]*' with features \{(?<features>[^}\n]*)\} is required to build/],
        sure: true,
      },
      {
        in: ['build'],
        lines: [/Reason: missing system features/, /Required features: \{(?<features>[^}\n]*)\}/],
        sure: true,
      },
    ],
    cause:
      'It can be built only by machines that call themselves <features>, and this one does not.',
    remedy:
      'Where this machine can do it, say so: `extra-system-features = <features>` in `nix-conf`. Else name ' +
      'one that can in `builders`.',
  },
  {
    title: 'Silent for too long',
    signs: [
      {
        in: ['build'],
        lines: [/timed out after (?<seconds>\d+) seconds of silence/],
        sure: true,
      },
    ],
    cause: 'The builder wrote nothing for <seconds> seconds, and Nix ended it (`max-silent-time`).',
    remedy:
      'See in the log what it waits for; where it only works in silence, raise `max-silent-time` in ' +
      '`nix-conf`.',
  },
  {
    title: 'Timed out',
    signs: [
      {
        in: ['build'],
        lines: [/error: (?:building [^\n]*)?timed out after (?<seconds>\d+) seconds/],
        sure: true,
      },
    ],
    cause:
      'It took <seconds> seconds in all, or wrote nothing for so long, and Nix ended it (`timeout`, ' +
      '`max-silent-time`).',
    remedy:
      'See in the log what it was at; where it only needs longer, raise `timeout` or `max-silent-time` in ' +
      '`nix-conf`.',
  },
  {
    title: 'Too much log',
    signs: [
      {
        in: ['build'],
        lines: [/killed after writing more than (?<bytes>\d+) bytes of log output/],
        sure: true,
      },
    ],
    cause: 'The builder wrote more than <bytes> bytes, and Nix ended it (`max-build-log-size`).',
    remedy: 'Let it write less, or raise `max-build-log-size` in `nix-conf`.',
  },
  {
    title: 'A build is out of memory',
    signs: [
      { in: ['build'], lines: [/failed with exit code 137/] },
      { in: ['build'], lines: [/failed due to signal 9|^Nix was killed/] },
      {
        in: ['log'],
        lines: [
          /Killed signal terminated program|virtual memory exhausted|Cannot allocate memory|MemoryError|heap out of memory|std::bad_alloc|LLVM ERROR: out of memory/,
        ],
      },
    ],
    cause:
      'The machine has not enough memory for it, and the kernel killed it (137 is 128 + SIGKILL).',
    remedy: 'Build less at once (`max-jobs: 1`, fewer `cores`), or on a machine with more memory.',
  },
  {
    title: 'The Nix daemon went away',
    signs: [
      {
        in: ['build', 'evaluation'],
        lines: [
          /Nix daemon (?:disconnected unexpectedly|out of memory)|error: unexpected end-of-file/,
        ],
      },
    ],
    cause: "Nix's daemon ended while it worked; often the kernel has killed it for want of memory.",
    remedy:
      'See journalctl -u nix-daemon; build less at once (`max-jobs: 1`), or on a machine with more memory.',
  },
  {
    title: 'The sandbox is refused',
    signs: [
      {
        in: ['build'],
        lines: [/has '__noChroot' set, but that's not allowed when 'sandbox' is/],
        sure: true,
      },
    ],
    cause:
      'The derivation wants to be built outside of the sandbox (`__noChroot`), which Nix refuses.',
    remedy:
      'Take `__noChroot` out and fetch by hash what it needs. Who trusts it writes `sandbox = relaxed` in ' +
      '`nix-conf`.',
  },
  {
    title: 'No sandbox can be made',
    signs: [
      {
        in: ['build'],
        lines: [
          /does not support the kernel namespaces that are required for sandboxing|cloning builder process: Operation not permitted|setting up a private mount namespace: Operation not permitted/,
        ],
        sure: true,
      },
    ],
    cause: 'Nix cannot make its sandbox here; a container often lacks the rights.',
    remedy:
      'Let the container make namespaces (`--privileged`), or build without: `sandbox = false` in ' +
      '`nix-conf`.',
  },
  {
    title: 'The disk of temporary files is full',
    signs: [
      {
        in: ['build', 'evaluation'],
        lines: [
          /^\s*error: [^\n]*["'](?<path>\/(?:tmp|var\/tmp|run|build)\/[^"'\n]*)["'][^\n]*No space left on device/,
        ],
        sure: true,
      },
    ],
    cause: 'The disk that holds <path> is full; that of the store need not be.',
    remedy: 'Free space there, or name another folder: TMPDIR, or `build-dir` in `nix-conf`.',
  },
  {
    title: "The store's disk is full",
    signs: [
      { in: ['build'], lines: [storeFull], sure: true },
      // a flake can throw any words
      { in: ['evaluation'], lines: [storeFull] },
    ],
    cause: 'The disk is full on which Nix has its store (/nix).',
    remedy:
      'Free space: `reclaim-disk` on a runner; nix-collect-garbage removes what nothing needs any more.',
  },
  {
    title: 'A build has no space left',
    signs: [{ in: ['log'], lines: [/No space left on device/] }],
    cause:
      'The disk is full that the builder writes to: that of its folder (`build-dir`, /tmp by default in ' +
      'older versions), or that of the store.',
    remedy:
      'See df -h /tmp /nix, and free space (`reclaim-disk` on a runner, nix-collect-garbage), or set ' +
      '`build-dir` in `nix-conf`.',
  },
];
