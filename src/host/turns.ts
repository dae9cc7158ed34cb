/** Runs a work in its turn. Of those that wait the one that weighs most goes first, else in order. */
export type InTurn = <Value>(work: () => Promise<Value>, weight?: number) => Promise<Value>;

/**
 * Runs at most `most` works at a time; one that fails ends no other. Those with a weight begin in the event
 * loop's next turn, so that what is asked for together is weighed against each other.
 */
export function turns(most: number): InTurn {
  const waiting: { weight: number; go: () => void }[] = [];
  let free = most;
  const begin = () => {
    waiting.sort((one, other) => other.weight - one.weight);
    const next = waiting.splice(0, free);
    free -= next.length;
    for (const { go } of next) go();
  };
  return async (work, weight) => {
    if (weight === undefined && free > 0) free -= 1;
    else {
      await new Promise<void>(go => {
        waiting.push({ weight: weight ?? 0, go });
        setImmediate(begin);
      });
    }
    try {
      return await work();
    } finally {
      free += 1;
      begin();
    }
  };
}
