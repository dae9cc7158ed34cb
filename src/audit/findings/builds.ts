import { shownAddress } from '../../host/http/address.ts';
import { nameOf } from '../../nix/names.ts';
import type { Finding } from '../../record/audit.ts';
import { isFakeHash, movingReference } from '../fetches.ts';
import type { LocatedInstall } from '../located.ts';
import type { AuditSubject } from '../subject.ts';

/** How findings say in which layer a derivation is first needed. */
export type LayerOf = (drvPath: string | undefined) => string;

/** Builds that need what a build must not need: a virtual machine, the machine around, another time. */
export function hazards({ graph }: AuditSubject, layerOf: LayerOf): Finding[] {
  const found: Finding[] = [];
  for (const [drvPath, { hazards: kinds }] of graph) {
    const where = { layer: layerOf(drvPath), derivation: drvPath };
    const name = nameOf(drvPath);
    for (const kind of kinds) found.push({ ...hazard[kind](name), severity: 'error', ...where });
  }
  return found;
}

type Told = Pick<Finding, 'rule' | 'message' | 'cost' | 'advice'>;

const hazard: Readonly<Record<'vm' | 'no-chroot' | 'impure', (name: string) => Told>> = {
  vm: name => ({
    rule: 'vm-build',
    message: `${name} is built in a virtual machine (runAsRoot).`,
    cost: 'It needs KVM, and has 512 MB of memory unless told otherwise: large installations crash it ("Virtual machine didn\'t produce an exit code").',
    advice:
      'Make the files in plain derivations; use directories of the recipe, or fakeRootCommands, for owners and modes.',
  }),
  'no-chroot': name => ({
    rule: 'sandbox-off',
    message: `${name} is built outside of the sandbox (__noChroot).`,
    cost: 'It sees the network and the files of whatever machine builds it, and gives different results; machines with sandbox = true refuse it.',
    advice: 'Fetch what it needs in fixed-output derivations, and remove __noChroot.',
  }),
  impure: name => ({
    rule: 'impure',
    message: `${name} is impure (__impure): it is built anew each time.`,
    cost: 'No cache holds it, everything above it is rebuilt and sent again in each run, and no two images are the same.',
    advice: 'Fetch what it needs in fixed-output derivations, and remove __impure.',
  }),
};

/** Commands that ask an index or a server, while the image is built or when a container starts. */
export function networkUses(installs: readonly LocatedInstall[], layerOf: LayerOf): Finding[] {
  return installs
    .filter(install => !install.offline)
    .map(({ what, packages, when, derivation }): Finding => {
      const whose = derivation === undefined ? 'The entry point' : nameOf(derivation);
      const where = {
        layer: layerOf(derivation),
        ...(derivation === undefined ? {} : { derivation }),
      };
      const names = listed(packages.map(({ name }) => name));
      return when === 'build'
        ? {
            rule: 'network-at-build',
            severity: 'error',
            message: `${whose} runs ${what} while it is built${names}.`,
            cost: 'The sandbox has no network, so that the build fails; where it has one, each build may get other versions.',
            advice: what.startsWith('pip')
              ? 'Pin the wheels (comfy-nix prefetch), fetch them with fetchurl, and install with --no-index.'
              : 'Fetch it with fetchurl or fetchFromGitHub and a hash.',
            ...where,
          }
        : {
            rule: 'network-at-start',
            severity: 'warning',
            message: `${whose} runs ${what} when a container starts${names}.`,
            cost: 'Each container downloads it again before it is of use, gets what the server has that day, and fails without network.',
            advice: 'Install it into a layer of the image; the template "layered" shows how.',
            ...where,
          };
    });
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, 5).join(', ');
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `: ${shown}${more}`;
}

/** Downloads that are not pinned: a branch, or a hash that is none, which nobody has on purpose. */
export function downloads(
  { near, graph }: AuditSubject,
  installs: readonly LocatedInstall[],
  layerOf: LayerOf,
): Finding[] {
  const fetched = [...graph].flatMap(([drvPath, { fetch }]) => {
    if (fetch === undefined) return [];
    const isFake = isFakeHash(fetch.hash);
    const branch = near.has(drvPath) ? movingReference(fetch.rev, fetch.urls) : undefined;
    if (branch === undefined && !isFake) return [];
    const where = { layer: layerOf(drvPath), derivation: drvPath };
    const what = shownAddress(fetch.urls[0] ?? nameOf(drvPath));
    return [
      ...(branch === undefined ? [] : [unpinned(branch, what, where)]),
      ...(isFake ? [fakeHash(what, where)] : []),
    ];
  });
  const installed = installs.flatMap(({ addresses, packages, derivation }) => {
    const where = {
      layer: layerOf(derivation),
      ...(derivation === undefined ? {} : { derivation }),
    };
    return addresses.flatMap(address => {
      const rev = packages.length === 1 ? packages[0]?.version : undefined;
      const branch = movingReference(rev, [address]);
      return branch === undefined ? [] : [unpinned(branch, shownAddress(address), where)];
    });
  });
  return [...fetched, ...installed];
}

type Where = Pick<Finding, 'layer' | 'derivation'>;

function unpinned(branch: string, what: string, where: Where): Finding {
  return {
    rule: 'unpinned-branch',
    severity: 'warning',
    message: `${what} is taken from "${branch}", which moves.`,
    cost: 'With its next commit the download no longer has the hash that is written here, or the image has other code than it was tested with.',
    advice: 'Name a tag or a commit of 40 hex digits; comfy-nix prefetch pins sources, too.',
    ...where,
  };
}

function fakeHash(what: string, where: Where): Finding {
  return {
    rule: 'fake-hash',
    severity: 'error',
    message: `The hash of ${what} is none: it is empty, or all zeros (lib.fakeHash).`,
    cost: 'The build fails after the whole download.',
    advice: 'Write the hash that the failed build says, or let comfy-nix prefetch find it.',
    ...where,
  };
}
