import { type Attributes, attributesOf } from './facts.ts';
import { installsIn } from './installs.ts';
import { type LocatedInstall, locate, textsByPath } from './located.ts';
import { buildScripts, scriptPaths } from './script-paths.ts';
import { commandsOf } from './shell.ts';
import type { AuditSubject } from './subject.ts';

/** Commands that get what an address says, and nothing that it depends on. */
const gets = /^(?:git|curl|wget|aria2c)\b/;

/** What runs when the flake's own derivations are built. */
export function buildInstalls({ near }: AuditSubject): LocatedInstall[] {
  const texts = textsByPath(near);
  const found: LocatedInstall[] = [];
  const run = new Set<string>();
  for (const [drvPath, derivation] of near) {
    const attribute = attributesOf(derivation);
    // a download has the network, which is what it is for; only what pip resolves moves under it
    const isFetch = attribute('outputHash') !== undefined;
    for (const script of buildScripts(derivation).filter(text => installer.test(text))) {
      const commands = commandsOf(offlinePrefix(attribute) + script);
      const installs = installsIn(commands).filter(({ what }) => !isFetch || !gets.test(what));
      found.push(...installs.map(install => locate(install, drvPath, 'build')));
      for (const path of scriptPaths(script).run) run.add(path);
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
