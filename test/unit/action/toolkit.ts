import type { Toolkit } from '../../../src/action/toolkit.ts';

/** A runner that writes down what it is asked for, one text a call, in order. */
export interface RecordingToolkit extends Toolkit {
  calls: string[];
  state: Record<string, string>;
  outputs: Record<string, string>;
}

/** What is called is what the runner gets; `guardedToolkit` is what the action calls. */
export function recordingToolkit(state: Record<string, string> = {}): RecordingToolkit {
  const calls: string[] = [];
  const outputs: Record<string, string> = {};
  const call = (name: string) => (value: string) => {
    calls.push(`${name} ${value}`);
  };
  return {
    calls,
    state,
    outputs,
    setSecret: call('secret'),
    setOutput: (name, value) => {
      outputs[name] = value;
    },
    saveState: (name, value) => {
      state[name] = value;
      calls.push(`state ${name}`);
    },
    getState: name => state[name] ?? '',
    addPath: call('path'),
    exportVariable: (name, value) => calls.push(`env ${name}=${value}`),
    info: call('info'),
    debug: call('debug'),
    warning: call('warning'),
    error: call('error'),
    startGroup: call('group'),
    endGroup: () => calls.push('endgroup'),
    writeSummary: async markdown => {
      calls.push(`summary ${markdown}`);
    },
  };
}
