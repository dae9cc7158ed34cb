import { verbTable } from '../commands/verbs.ts';
import { runAction } from './action.ts';
import { startPhase } from './start.ts';

await startPhase(world => runAction({ ...world, verbs: verbTable }));
