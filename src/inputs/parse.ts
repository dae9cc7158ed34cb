import {
  type InputDefinition,
  type ManyReader,
  type SingleReader,
  takesMany,
} from './definition.ts';
import {
  type Asker,
  type InputName,
  inputsOf,
  type NamedInput,
  type RawInputs,
  type table,
} from './table.ts';

/** The names of definitions as their values have them: `nix-version` is `nixVersion`. */
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** What a definition's reader gives; without a default there may be no value. */
type ValueOf<Definition> = Definition extends { reader: ManyReader<infer Value> }
  ? Value
  : Definition extends { reader: SingleReader<infer Value> }
    ? Definition extends { default: string }
      ? Value
      : Value | undefined
    : never;

/** The values of a group of definitions. */
export type ValuesOf<Group> = {
  [Name in keyof Group & string as CamelCase<Name>]: ValueOf<Group[Name]>;
};

type Table = typeof table;

type NameFor<Who extends Asker> = {
  [Name in InputName]: Who extends Reading<Table[Name]> ? Name : never;
}[InputName];

type Reading<Definition extends InputDefinition> =
  Definition['verbs'] extends readonly (infer Verb)[] ? Verb : Definition['verbs'];

/** What a verb's inputs say: all that it lists in the table, and nothing else. */
export type Values<Who extends Asker> = ValuesOf<Pick<Table, NameFor<Who>>>;

/**
 * Reads the inputs that a verb, or the face, lists in the table.
 * @throws Failure with exit code 2 that names the input and what was found
 */
export function parse<Who extends Asker>(who: Who, raw: RawInputs): Values<Who> {
  const values = inputsOf(who).map(input => [camelCase(input.name), readOne(input, raw)]);
  return Object.fromEntries(values) as Values<Who>;
}

function readOne({ name, reader, default: preset = '' }: NamedInput, raw: RawInputs): unknown {
  const text = raw[name]?.trim() || preset;
  return text === '' && !takesMany(reader) ? undefined : reader.read(name, text);
}

/** The name of an input in {@link Values}, and in the options of commander. */
export function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * Holds a verb to its list, in the compiler: what is left of its values when all that is read has been
 * taken out of them must be nothing. That what was taken out is used, the linter sees.
 */
export function allRead(_rest: Record<string, never>): void {}

/** `Given`, where it has all fields of `Wanted` and no other: a function that takes it reads all of it. */
export type Exactly<Wanted, Given extends Wanted> =
  Exclude<keyof Given, keyof Wanted> extends never ? Given : never;
