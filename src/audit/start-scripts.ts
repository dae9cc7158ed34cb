import { nameOf } from '../nix/names.ts';
import { attributesOf } from './facts.ts';
import { installsIn } from './installs.ts';
import { type LocatedInstall, locate, type Script, textsByPath } from './located.ts';
import { commandsOf } from './shell.ts';
import { storePathsIn } from './store-paths.ts';
import type { AuditSubject } from './subject.ts';

/** What runs when a container starts: the entry point, and the scripts that it calls. */
export function startInstalls(subject: AuditSubject): LocatedInstall[] {
  const { Entrypoint = [], Cmd = [], Env = [] } = subject.config;
  const scripts = scriptFinder(subject);
  const offline = Env.some(variable => /^PIP_NO_INDEX=./.test(variable)) ? 'PIP_NO_INDEX=1\n' : '';
  const words = [...Entrypoint, ...Cmd];
  const inline = commandsOf(words.map(quoted).join(' '));
  const found = installsIn(inline).map(each => locate(each, undefined, 'start'));
  const pending = new Set(scripts([...words, ...inline.flatMap(command => command.words)])); // grows
  for (const script of pending) {
    const commands = commandsOf(offline + script.text);
    found.push(...installsIn(commands).map(each => locate(each, script.drvPath, 'start')));
    for (const next of scripts(commands.flatMap(command => command.words))) pending.add(next);
  }
  return found;
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** Finds scripts among words: by store path, or by the name that a script has in the image. */
function scriptFinder({ near, textOf }: AuditSubject): (words: readonly string[]) => Script[] {
  const byPath = textsByPath(near);
  const byName = new Map<string, Script>();
  const read = new Set<string>();
  const name = (file: string, script: Script) => {
    const base = file.slice(file.lastIndexOf('/') + 1);
    for (const known of [base, base.replace(/\.(?:ba)?sh$/, '')]) {
      if (!byName.has(known)) byName.set(known, script);
    }
  };
  for (const [drvPath, derivation] of near) {
    const path = derivation.outputs.get('out') ?? '';
    const script = byPath.get(path);
    if (script) name(attributesOf(derivation)('destination') || nameOf(path), script);
    for (const source of derivation.inputSrcs) {
      if (read.has(source)) continue;
      read.add(source);
      const text = scriptText(textOf(source));
      if (text === undefined) continue;
      const file = { text, drvPath };
      byPath.set(source, file);
      name(nameOf(source), file);
    }
  }
  return words =>
    words.flatMap(word => {
      const [path] = storePathsIn(word);
      const exact = path === undefined ? undefined : byPath.get(path);
      const isName = /^[\w./-]+$/.test(word);
      const named = isName ? byName.get(word.slice(word.lastIndexOf('/') + 1)) : undefined;
      return exact ?? named ?? [];
    });
}

/** Files that are no shell script are not followed. */
function scriptText(text: string | undefined): string | undefined {
  return text !== undefined && /^#!.*sh\b/.test(text) ? text : undefined;
}
