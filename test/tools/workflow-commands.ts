// How GitHub's runner reads a log (actions/runner: ActionCommand.cs, OutputManager.cs): it takes a line
// for a command that begins, after white space, with `::name`, and one that has `##[name]` anywhere.
// It compares by the language, so that characters which are not seen do not count.

/** A command that the runner would take from a log. */
export interface TakenCommand {
  name: string;
  data: string;
}

/** What .NET's comparison by language takes for nothing: see "ignorable code points" of Unicode. */
const ignored = /[\p{Default_Ignorable_Code_Point}\p{Cf}]|(?![\t\n\v\f\r])\p{Cc}/gu;

/** All commands in what a step has printed. */
export function commandsIn(log: string): TakenCommand[] {
  return log.split(/\r\n|\r|\n/).flatMap(line => {
    const seen = line.replace(ignored, '').trimStart();
    const [, name, data] = /^::([^: ]+)[^:]*::(.*)$/s.exec(seen) ?? [];
    if (name !== undefined) return [{ name, data: unescaped(data ?? '') }];
    const [, older, rest] = /##\[([^\] ]+)[^\]]*\](.*)$/s.exec(seen) ?? [];
    return older === undefined ? [] : [{ name: older, data: unescaped(rest ?? '') }];
  });
}

const unescaped = (data: string) =>
  data.replaceAll('%0A', '\n').replaceAll('%0D', '\r').replaceAll('%25', '%');

/** A log without what hides secrets, which comes before anything else is said. */
export const withoutMasks = (log: string): string => log.replaceAll(/^::add-mask::.*\n/gm, '');
