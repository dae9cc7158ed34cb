import { afterVerb } from '../commands/verbs.ts';
import { finishAction } from './finish.ts';
import { startPhase } from './start.ts';

await startPhase(world => finishAction({ ...world, after: afterVerb }));
