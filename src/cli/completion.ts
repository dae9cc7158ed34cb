import { type VerbName, verbNames, verbs } from '../inputs/verbs.ts';
import { program } from '../record/program.ts';
import { type Shell, shells } from './arguments.ts';
import { type Flag, flagsOf } from './flags.ts';

/** What a subcommand can be completed with. */
interface Completed {
  name: string;
  summary: string;
  flags: readonly Flag[];
  /** Words that it takes by position; empty: files. */
  words: readonly string[];
}

/** The completions of a shell, as text that it reads: they ask nothing of this program any more. */
export function completionFor(shell: Shell): string {
  const all = [
    ...verbNames.map(name => ofVerb(name)),
    { name: 'completion', summary: 'Print the completions of a shell', flags: [], words: shells },
  ];
  return `${writers[shell](all).join('\n')}\n`;
}

const ofVerb = (name: VerbName): Completed => ({
  name,
  summary: verbs[name].summary,
  flags: flagsOf(name).filter(({ isHidden }) => !isHidden),
  words: [],
});

const writers: Readonly<Record<Shell, (all: readonly Completed[]) => string[]>> = {
  bash,
  zsh,
  fish,
};

const name = program.name;
const functionName = `_${name.replaceAll('-', '_')}`;

/** Words of the table, which have no character that a shell would take for its own but for quotes. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const wordsOf = (words: readonly string[]): string => quoted(words.join(' '));

/** Bash completes files by itself where this gives nothing (`-o default`). */
function bash(all: readonly Completed[]): string[] {
  return [
    `# source <(${name} completion bash)`,
    `${functionName}() {`,
    `  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=`,
    // bash takes `--flag=value` for three words
    '  if [ "$current" = = ]; then current=',
    `  elif [ "$before" = = ]; then before=\${COMP_WORDS[COMP_CWORD - 2]}`,
    '  fi',
    '  if [ "$COMP_CWORD" = 1 ]; then',
    `    words=${wordsOf(all.map(each => each.name))}`,
    '  else',
    `    case "\${COMP_WORDS[1]} $before" in`,
    ...all.flatMap(({ name: verb, flags }) => flags.flatMap(flag => bashValue(verb, flag))),
    '      *)',
    `        case "\${COMP_WORDS[1]} $current" in`,
    ...all.map(each => `          ${bashPattern(each)}) words=${wordsOf(offered(each))} ;;`),
    '        esac ;;',
    '    esac',
    '  fi',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
    '}',
    `complete -o default -F ${functionName} ${name}`,
  ];
}

/** Flags are offered where one is begun, since else a file is meant more often. */
const bashPattern = ({ name: verb, words }: Completed): string =>
  words.length > 0 ? `'${verb} '*` : `'${verb} -'*`;

const offered = ({ flags, words }: Completed): readonly string[] =>
  words.length > 0 ? words : flags.map(flag => `--${flag.name}`);

const bashValue = (verb: string, flag: Flag): string[] =>
  flag.value === undefined
    ? []
    : [`      '${verb} --${flag.name}') words=${wordsOf(flag.choices)} ;;`];

function zsh(all: readonly Completed[]): string[] {
  return [
    `#compdef ${name}`,
    `# source <(${name} completion zsh)`,
    `${functionName}() {`,
    '  if (( CURRENT == 2 )); then',
    '    local -a subcommands',
    '    subcommands=(',
    ...all.map(each => `      ${quoted(`${each.name}:${each.summary.replaceAll(':', ' -')}`)}`),
    '    )',
    '    _describe subcommand subcommands',
    '    return',
    '  fi',
    '  local subcommand=$words[2]',
    '  shift words',
    '  (( CURRENT-- ))',
    '  case $subcommand in',
    ...all.flatMap(each => [
      `    ${each.name})`,
      '      _arguments \\',
      ...each.flags.map(flag => `        ${quoted(zshFlag(flag))} \\`),
      `        ${quoted(each.words.length > 0 ? `1:word:(${each.words.join(' ')})` : '*:file:_files')} ;;`,
    ]),
    '  esac',
    '}',
    `if [ "$funcstack[1]" = ${functionName} ]; then ${functionName} "$@"; else compdef ${functionName} ${name}; fi`,
  ];
}

function zshFlag(flag: Flag): string {
  const meaning = brief(flag.description).replaceAll(/[[\]:\\]/g, '\\$&');
  const again = flag.isMany ? '*' : '';
  if (flag.value === undefined) return `${again}--${flag.name}[${meaning}]`;
  const values =
    flag.choices.length > 0 ? `(${flag.choices.join(' ')})` : flag.isPath ? '_files' : '';
  return `${again}--${flag.name}=[${meaning}]:${flag.value.replaceAll('|', ' or ')}:${values}`;
}

function fish(all: readonly Completed[]): string[] {
  return [
    `# ${name} completion fish | source`,
    ...all.map(({ name: verb, summary }) =>
      [
        'complete',
        '-c',
        name,
        '-f',
        '-n',
        '__fish_use_subcommand',
        '-a',
        verb,
        '-d',
        fishQuoted(summary),
      ].join(' '),
    ),
    ...all.flatMap(({ name: verb, flags, words }) => {
      const begin = `complete -c ${name} -n '__fish_seen_subcommand_from ${verb}'`;
      return [
        ...(words.length > 0 ? [`${begin} -f -a ${wordsOf(words)}`] : []),
        ...flags.map(flag => `${begin} ${fishFlag(flag)}`),
      ];
    }),
  ];
}

function fishFlag({ name: flag, value, choices, isPath, description }: Flag): string {
  const takes =
    value === undefined
      ? ''
      : choices.length > 0
        ? ` -x -a ${wordsOf(choices)}`
        : isPath
          ? ' -r -F'
          : ' -r';
  return `-l ${flag}${takes} -d ${fishQuoted(brief(description))}`;
}

/** Within fish's quotes a backslash is one before a quote or another alone. */
const fishQuoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;

/** The first sentence, as far as it fits beside a flag. */
function brief(description: string): string {
  const [first = ''] = description.split(/[.;] |\.$/);
  return first.length <= 70 ? first : `${first.slice(0, 69).trimEnd()}…`;
}
