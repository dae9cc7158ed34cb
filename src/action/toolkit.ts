import * as core from '@actions/core';
import { Failure } from '../host/failure.ts';
import { textGuard } from '../host/foreign-text.ts';
import { limits } from '../host/limits.ts';

/** What the action asks of the runner; a test hands in one that writes down the calls. */
export interface Toolkit {
  setSecret(secret: string): void;
  setOutput(name: string, value: string): void;
  saveState(name: string, value: string): void;
  getState(name: string): string;
  addPath(folder: string): void;
  exportVariable(name: string, value: string): void;
  info(text: string): void;
  /** Shown only where the workflow asks for debug logging. */
  debug(text: string): void;
  warning(message: string): void;
  error(message: string): void;
  startGroup(name: string): void;
  endGroup(): void;
  writeSummary(markdown: string): Promise<void>;
}

/**
 * The action's one door: whatever it prints goes through here, and no text of others can be a command
 * to the runner, hide a part of itself, or show a secret. Masks those secrets that it was told.
 */
export function guardedToolkit(runner: Toolkit, isDebugging: boolean): Toolkit {
  const guard = textGuard();
  return {
    ...runner,
    setSecret(secret) {
      guard.hide(secret);
      runner.setSecret(secret);
    },
    setOutput(name, value) {
      // line breaks are safe: core's delimiter is random; a part of a list, or of a JSON document,
      // would be taken for all of it
      if (value.length <= limits.output) return runner.setOutput(name, value);
      runner.setOutput(name, '');
      runner.warning(`The output ${name} is left out: it has ${value.length} characters.`);
    },
    addPath(folder) {
      // the runner reads a folder from each line
      if (/[\r\n]/.test(folder)) {
        throw new Failure(`A folder for PATH has a line break: ${JSON.stringify(folder)}.`);
      }
      runner.addPath(folder);
    },
    info: text => runner.info(guard.text(text)),
    debug(text) {
      if (isDebugging) runner.debug(guard.text(text));
    },
    warning: message => runner.warning(guard.text(message)),
    error: message => runner.error(guard.text(message)),
    startGroup: name => runner.startGroup(guard.line(name)),
    writeSummary: markdown => runner.writeSummary(guard.document(markdown)),
  };
}

/** The real runner, by `@actions/core`; `env` says whether debug logging is on. */
export const runnerToolkit = (env: Readonly<Record<string, string | undefined>>): Toolkit =>
  guardedToolkit(
    {
      // one by one, so that the bundle leaves out the others
      setSecret: core.setSecret,
      setOutput: core.setOutput,
      saveState: core.saveState,
      getState: core.getState,
      addPath: core.addPath,
      exportVariable: core.exportVariable,
      info: core.info,
      debug: core.debug,
      warning: core.warning,
      error: core.error,
      startGroup: core.startGroup,
      endGroup: core.endGroup,
      writeSummary: async markdown => {
        await core.summary.addRaw(markdown).write();
      },
    },
    env.RUNNER_DEBUG === '1' || env.ACTIONS_STEP_DEBUG === 'true',
  );
