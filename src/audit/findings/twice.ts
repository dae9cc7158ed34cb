import { nameOf } from '../../nix/names.ts';
import type { Finding, PackageRecord } from '../../record/audit.ts';
import type { LocatedInstall } from '../located.ts';
import { wheelOf } from '../packages.ts';
import { type AuditedLayer, type AuditSubject, fetchedInputs, neededInputs } from '../subject.ts';

const cost =
  'It is stored, sent and pulled twice, and which one is loaded depends on a search path.';

/** One Python package in two versions, or from two sources. */
export function packagesTwice(packages: readonly PackageRecord[]): Finding[] {
  const byName = Map.groupBy(
    packages.filter(({ python }) => python),
    ({ name }) => name,
  );
  return [...byName.values()].flatMap((all): Finding[] => {
    const forms = [...new Map(all.map(each => [formOf(each), each])).values()];
    if (forms.length < 2) return [];
    const places = forms.map(
      each => `${each.version ?? 'some version'} ${sourceText[each.source]} in ${each.layer}`,
    );
    return [
      {
        rule: 'library-twice',
        severity: 'warning',
        message: `${all[0]?.name} is in the image ${forms.length} times: ${places.join('; ')}.`,
        layer: forms.at(-1)?.layer ?? '',
        cost,
        advice:
          'Take it from one source: drop it from the list of nixpkgs’ packages, or from the wheels.',
      },
    ];
  });
}

const sourceText: Readonly<Record<PackageRecord['source'], string>> = {
  nixpkgs: 'from nixpkgs',
  wheel: 'as a wheel',
  source: 'from its source',
  unseen: 'from somewhere',
  'build-network': 'by pip at build',
  'start-network': 'by pip at start',
};

/**
 * Same version and source: the same, but for options that it was built with. What was not seen to be
 * nixpkgs' mostly is.
 */
const formOf = ({ version, source, derivation = '' }: PackageRecord) =>
  source.endsWith('network')
    ? `${source} ${derivation}`
    : `${source === 'unseen' ? 'nixpkgs' : source} ${version}`;

/** Wheels that a layer holds as they were downloaded, while they are installed in this one or another. */
export function wheelsTwice(
  subject: AuditSubject,
  installs: readonly LocatedInstall[],
  layerOf: (drvPath: string | undefined) => string,
): Finding[] {
  const places = subject.layers
    .filter(layer => layer.shipped)
    .flatMap(layer => wheelPlaces(layer, subject));
  const installed = new Map([
    ...installs
      .filter(install => install.offline)
      .flatMap(({ packages, derivation }) =>
        packages.map(({ name }) => [name, layerOf(derivation)] as const),
      ),
    ...places
      .filter(({ isInstalled }) => isInstalled)
      .map(each => [each.name, each.layer] as const),
  ]);
  return places
    .filter(({ name, isInstalled }) => !isInstalled && installed.has(name))
    .map(({ name, file, layer, derivation }) => ({
      rule: 'library-twice',
      severity: 'warning',
      message: `${file} is in ${layer} as it was downloaded, and ${name} is installed in ${installed.get(name)}.`,
      layer,
      derivation,
      cost,
      advice:
        'Do not ship the layer of downloads: image = false in the recipe, as in the template "layered".',
    }));
}

interface WheelPlace {
  /** Of the distribution. */
  name: string;
  file: string;
  layer: string;
  /** What has the wheel as an input. */
  derivation: string;
  /** Unpacked there; else the wheel's file itself gets into the image. */
  isInstalled: boolean;
}

/** What unpacks a wheel; anything else that has one as an input links to it, or copies it. */
const unpacks = /\b(?:pip[\d.]*|uv|unzip|bsdtar|installer|zipfile|unpack\w*)\b/;

function wheelPlaces(layer: AuditedLayer, subject: AuditSubject): WheelPlace[] {
  const { graph, near } = subject;
  const places: WheelPlace[] = [];
  const pending = new Set(layer.contents); // grows while it is read
  for (const drvPath of pending) {
    const facts = graph.get(drvPath);
    if (facts === undefined || facts.fetch !== undefined) continue;
    const texts = [...(near.get(drvPath)?.env.values() ?? [])];
    const isInstalled = facts.pname !== undefined || texts.some(text => unpacks.test(text));
    for (const input of fetchedInputs(facts, graph)) {
      const wheel = wheelOf(input, subject);
      if (wheel === undefined) continue;
      const place = { name: wheel.name, file: nameOf(input), layer: layer.name };
      const isUnpacked = graph.get(input)?.fetch?.isUnpacked === true;
      places.push({ ...place, derivation: drvPath, isInstalled: isInstalled || isUnpacked });
    }
    // what a builder unpacks is gone when it is done
    if (!isInstalled) for (const input of neededInputs(facts, graph)) pending.add(input);
  }
  return places;
}
