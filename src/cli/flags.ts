import { takesMany } from '../inputs/definition.ts';
import { inputGroups, type NamedInput, offeredWith } from '../inputs/table.ts';
import { type VerbName, verbs } from '../inputs/verbs.ts';
import { inFlags } from './words.ts';

/** A flag of a verb, as help and completions have it. */
export interface Flag {
  /** Without the dashes: "image", "no-push". */
  name: string;
  description: string;
  /** The heading that it stands under. */
  group: string;
  /** What stands for its value; undefined: it has none. */
  value: string | undefined;
  /** Values that it may have; empty where any other may do. */
  choices: readonly string[];
  /** Whether its value is a file or a folder. */
  isPath: boolean;
  /** Whether it may be given again, and adds a line then. */
  isMany: boolean;
  /** Whether help is silent of it, since it says what is so by default. */
  isHidden: boolean;
}

/** How much a run tells; the program's own flags, which are inputs of nothing. */
const tellingFlags = {
  json: 'Print the record as JSON on standard output, instead of the reference or the report.',
  quiet: 'Print warnings, errors and the result alone.',
  verbose: 'Print the lines of builders as they come, and the commands that are run.',
} as const;

export type TellingFlag = keyof typeof tellingFlags;

const groupOf = new Map(
  inputGroups.flatMap(({ about, names }) => names.map(name => [name, about] as const)),
);

/** What is given to a verb by position, in order. */
export function argumentsOf(verb: VerbName): NamedInput[] {
  const names: readonly string[] = verbs[verb].positional;
  return names.flatMap(name => offeredWith(verb).filter(input => input.name === name));
}

/** The inputs that are flags of a verb, group by group. */
export function flagInputs(verb: VerbName): NamedInput[] {
  const order = inputGroups.flatMap(({ names }) => names);
  const positional = argumentsOf(verb);
  return offeredWith(verb)
    .filter(({ only, secret }) => only !== 'action' && !secret)
    .filter(input => !positional.includes(input))
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

/** All flags of a verb, in the order of its help. */
export function flagsOf(verb: VerbName): Flag[] {
  const own = tellingFlagsOf(verb).map(name => {
    return { ...aSwitch, name, description: tellingFlags[name], group: tellingGroup };
  });
  return [...flagInputs(verb).flatMap(flagsOfInput), ...own];
}

/** The program's own flags that a verb has: a record is printed by those that make or read one. */
export function tellingFlagsOf(verb: VerbName): TellingFlag[] {
  const names: readonly string[] = flagInputs(verb).map(({ name }) => name);
  return (Object.keys(tellingFlags) as TellingFlag[])
    .filter(
      name => name !== 'json' || verb === 'report' || verb === 'why' || names.includes('record'),
    )
    .filter(name => !names.includes(name));
}

export const tellingGroup = 'What is told';

const aSwitch = { value: undefined, choices: [], isPath: false, isMany: false, isHidden: false };

/** A flag of the input's name; a boolean has `--no-name` too, and help shows what has an effect. */
function flagsOfInput(input: NamedInput): Flag[] {
  const { name, reader, default: preset, without = '' } = input;
  const group = groupOf.get(name) ?? tellingGroup;
  const description = inFlags(input.description);
  if (reader.type === 'boolean') {
    return [
      { ...aSwitch, name, group, description, isHidden: preset === 'true' },
      { ...aSwitch, name: `no-${name}`, group, description: without, isHidden: preset === 'false' },
    ];
  }
  const shown = preset === undefined ? '' : ` (default: ${preset})`;
  return [
    {
      ...{ name, group, description: `${description}${shown}`, isHidden: false },
      value: placeholder(input),
      choices: ('choices' in reader && reader.choices) || [],
      isPath: reader.type === 'path',
      isMany: takesMany(reader),
    },
  ];
}

function placeholder({ reader }: NamedInput): string {
  switch (reader.type) {
    case 'choice':
      return (reader.choices ?? []).join('|');
    case 'lines':
      return 'line';
    case 'pairs':
      return 'key=value';
    default:
      return reader.type;
  }
}
