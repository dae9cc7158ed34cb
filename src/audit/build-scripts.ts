import type { Derivation } from '../nix/derivation.ts';
import { type Attributes, attributesOf, structuredFields } from './facts.ts';
import { installsIn } from './installs.ts';
import { type LocatedInstall, locate, textsByPath } from './located.ts';
import { commandsOf, programAndArguments } from './shell.ts';
import { storePathsIn } from './store-paths.ts';
import type { AuditSubject } from './subject.ts';

/** Commands that get what an address says, and nothing that it depends on. */
const gets = /^(?:git|curl|wget|aria2c)\b/;

/** Programs that run a script which is one of their arguments. */
const runners = /^(?:unshare|chroot|proot|fakechroot|(?:ba|da)?sh|source|\.|eval)$/;

/** What runs when the flake's own derivations are built. */
export function buildInstalls({ near }: AuditSubject): LocatedInstall[] {
  const texts = textsByPath(near);
  const found: LocatedInstall[] = [];
  const run = new Set<string>();
  for (const [drvPath, derivation] of near) {
    const attribute = attributesOf(derivation);
    // a download has the network, which is what it is for; only what pip resolves moves under it
    const isFetch = attribute('outputHash') !== undefined;
    for (const script of buildScripts(derivation)) {
      const commands = commandsOf(offlinePrefix(attribute) + script);
      const installs = installsIn(commands).filter(({ what }) => !isFetch || !gets.test(what));
      found.push(...installs.map(install => locate(install, drvPath, 'build')));
      for (const { words } of commands) for (const path of pathsRun(words)) run.add(path);
    }
  }
  for (const path of run) {
    const script = texts.get(path);
    if (script === undefined) continue;
    found.push(
      ...installsIn(commandsOf(script.text)).map(each => locate(each, script.drvPath, 'build')),
    );
  }
  return found;
}

const offlinePrefix = (attribute: Attributes) =>
  attribute('PIP_NO_INDEX') ? 'PIP_NO_INDEX=1\n' : '';

/** What only a script with one of these words is parsed for. */
const installer =
  /\b(?:pip[\d.]*|uv|git|curl|wget|aria2c|apt|apt-get|apk|dnf|conda|mamba|micromamba|npm|poetry|hf|huggingface-cli)\s|\.sh\b|\/[0-9a-z]{32}-/;

/** Attributes that hold commands, by the names that nixpkgs gives them. */
const scriptName = /(?:Commands?|Phase|Hook|Script)$|^(?:pre|post)[A-Z]\w*$|^runAsRoot$/;

/** The scripts of a derivation that run when it is built; what it writes to a file is none. */
function buildScripts(derivation: Derivation): string[] {
  const { env, args } = derivation;
  const structured = env.get('__json');
  const texts = structured === undefined ? env : structuredTexts(structured);
  const scripts = [...texts].filter(
    ([name, text]) =>
      !['text', 'content', 'meta'].includes(name) && (scriptName.test(name) || text.includes('\n')),
  );
  return [...scripts.map(([, text]) => text), ...args].filter(text => installer.test(text));
}

function structuredTexts(json: string): Map<string, string> {
  const fields = structuredFields(json);
  return new Map(fields.filter((field): field is [string, string] => typeof field[1] === 'string'));
}

/** Store paths that a command runs: its program, or what a program of `runners` is given. */
function pathsRun(words: readonly string[]): string[] {
  const [program = ''] = programAndArguments(words);
  const candidates = runners.test(program) ? words : words.filter(word => word.endsWith(program));
  return candidates.flatMap(storePathsIn);
}
