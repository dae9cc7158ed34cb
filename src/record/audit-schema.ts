import * as v from 'valibot';
import { auditRules, packageSources, severities } from './audit-terms.ts';
import { count, flag, text } from './fields.ts';

const layer = v.object({ name: text('Of the layer.'), shipped: v.boolean() });

const packageRecord = v.object({
  name: text("A Python distribution's normalised name, else the derivation's pname."),
  version: v.exactOptional(text('Absent where nothing says it.')),
  source: v.pipe(
    v.picklist(packageSources),
    v.description(
      'Where it comes from; the network when it is built, or when a container starts; not seen.',
    ),
  ),
  python: flag('Whether it is a Python package.'),
  layer: text('The first layer that has it.'),
  // absent for a text of the image's config
  derivation: v.exactOptional(text('What makes it, or runs the command that fetches it.')),
});

/** No text of a finding ever holds the value of a secret. */
const finding = v.object({
  rule: v.pipe(v.picklist(auditRules), v.description('What was looked for.')),
  severity: v.picklist(severities),
  message: text('What was found.'),
  layer: v.exactOptional(text('Absent where it concerns the image as a whole.')),
  derivation: v.exactOptional(text('Where it was found.')),
  cost: text('What it costs.'),
  advice: text('What to do.'),
});

/** A licence that is not free lets a package be used, and not always be passed on. */
const unfreePackage = v.object({
  name: text('As in `packages`.'),
  version: v.exactOptional(text('As in `packages`.')),
  licence: text('As nixpkgs names it.'),
  layer: text('As in `packages`.'),
});

/** What an audit says of an image: a part of a build's record, and the output of `audit`. */
export const auditSchema = v.object({
  layers: v.pipe(v.array(layer), v.description('The lowest first.')),
  packages: v.array(packageRecord),
  findings: v.pipe(v.array(finding), v.description('The worst first.')),
  unfree: v.array(unfreePackage),
  derivations: count('Derivations that were looked at.'),
  unchecked: v.array(text('What could not be looked at, and why.')),
});
