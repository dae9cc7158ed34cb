import type { Install } from './installs.ts';
import { type AuditSubject, writtenText } from './subject.ts';

/** A command that installs packages, where it stands, and when it runs. */
export interface LocatedInstall extends Install {
  when: 'build' | 'start';
  /** Whose script it is; undefined: the image's config. */
  derivation: string | undefined;
}

/** Text that a script only writes is run later, when a container starts. */
export const locate = (
  install: Install,
  derivation: string | undefined,
  when: 'build' | 'start',
): LocatedInstall => ({
  ...install,
  derivation,
  when: install.written ? 'start' : when,
});

/** A script, and the derivation that writes it or brings it along. */
export interface Script {
  text: string;
  drvPath: string;
}

/** Store path → the text that is written there. */
export function textsByPath(near: AuditSubject['near']): Map<string, Script> {
  const texts = new Map<string, Script>();
  for (const [drvPath, derivation] of near) {
    const text = writtenText(derivation);
    const path = derivation.outputs.get('out');
    if (text !== undefined && path) texts.set(path, { text, drvPath });
  }
  return texts;
}
