import type { InputDefinition } from './definition.ts';
import { cacheInputs } from './table/caches.ts';
import { imageInputs } from './table/image.ts';
import { nixInputs } from './table/nix.ts';
import { registryInputs } from './table/registry.ts';
import { reportInputs } from './table/report.ts';
import { taskInputs } from './table/task.ts';
import { wheelsInputs } from './table/wheels.ts';
import type { VerbName } from './verbs.ts';

/**
 * The one place where inputs are defined, by groups. `action.yml`, the command line's flags, the
 * reference in the README and the parser all come from this table.
 */
export const table = {
  ...taskInputs,
  ...imageInputs,
  ...registryInputs,
  ...nixInputs,
  ...cacheInputs,
  ...wheelsInputs,
  ...reportInputs,
};

export type InputName = keyof typeof table;

/** The groups with what they are about, in the order of the help. */
export const inputGroups: readonly { about: string; names: readonly InputName[] }[] = [
  { about: 'The image', names: namesOf(imageInputs) },
  { about: 'Wheels', names: namesOf(wheelsInputs) },
  { about: 'Where it goes, and what is reused', names: namesOf(registryInputs) },
  { about: 'Binary caches', names: namesOf(cacheInputs) },
  { about: 'Nix and its machines', names: namesOf(nixInputs) },
  { about: 'The task', names: namesOf(taskInputs) },
  { about: 'What is told', names: namesOf(reportInputs) },
];

function namesOf<Name extends InputName>(group: Readonly<Record<Name, InputDefinition>>): Name[] {
  return Object.keys(group) as Name[];
}

/** Inputs as given, before they are read; an empty text is no value. */
export type RawInputs = Readonly<Partial<Record<InputName, string>>>;

/** A definition with its name. */
export interface NamedInput extends InputDefinition {
  name: InputName;
}

/** All definitions, in the order of the table. */
export const inputs: readonly NamedInput[] = Object.entries<InputDefinition>(table).map(
  ([name, definition]) => ({ ...definition, name: name as InputName }),
);

/** Who reads inputs: a verb, or a face before any of them. */
export type Asker = VerbName | 'face';

/** Whether an input is read by a verb, or by the face. */
function isReadBy(asker: Asker, { verbs }: InputDefinition): boolean {
  return verbs === 'face' ? asker === 'face' : asker !== 'face' && verbs.includes(asker);
}

/** The definitions that a verb, or the face, reads. */
export function inputsOf(asker: Asker): NamedInput[] {
  return inputs.filter(input => isReadBy(asker, input));
}

/** The definitions of what can be given together with a verb: what it reads, and what the face does. */
export function offeredWith(verb: VerbName): NamedInput[] {
  return inputs.filter(input => isReadBy(verb, input) || isReadBy('face', input));
}

/** The environment variable from which the command line takes a secret input. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
