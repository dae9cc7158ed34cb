import type { RunContext } from '../context.ts';
import { parse } from '../parse.ts';
import type { SetupSettings } from '../settings.ts';
import type { RawInputs } from '../table.ts';
import { trustedInputs } from '../trusted.ts';
import { badInput } from '../values.ts';
import { readPreparation } from './preparation.ts';

/**
 * Reads the inputs of the verb `setup`.
 * @throws Failure with exit code 2 that names the input and what was found.
 */
export function parseSetup(raw: RawInputs, context: RunContext): SetupSettings {
  const { check, undo, ...preparation } = parse('setup', trustedInputs(raw, context.github));
  if (undo && check) throw badInput('undo', 'it goes with check at no time: choose one of them.');
  return {
    ...readPreparation(preparation, context, context.face === 'action' ? 'job' : 'user'),
    task: undo ? 'undo' : check ? 'check' : 'write',
  };
}
