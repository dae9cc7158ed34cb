import * as core from '@actions/core';

/** What the action asks of the runner; a test hands in one that writes down the calls. */
export interface Toolkit {
  setSecret(secret: string): void;
  setOutput(name: string, value: string): void;
  saveState(name: string, value: string): void;
  getState(name: string): string;
  addPath(folder: string): void;
  exportVariable(name: string, value: string): void;
  info(line: string): void;
  warning(message: string): void;
  error(message: string): void;
  startGroup(name: string): void;
  endGroup(): void;
  writeSummary(markdown: string): Promise<void>;
}

/** The real runner, by `@actions/core`. */
export const toolkit: Toolkit = {
  ...core,
  writeSummary: async markdown => {
    await core.summary.addRaw(markdown).write();
  },
};
