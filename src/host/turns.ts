/** Runs a work in its turn. Of those that wait the one that weighs most goes first, else in order. */
export type InTurn = <Value>(work: () => Promise<Value>, weight?: number) => Promise<Value>;

/** Runs at most `most` works at a time; one that fails ends no other. */
export function turns(most: number): InTurn {
  const waiting: { weight: number; go: () => void }[] = [];
  let free = most;
  return async (work, weight = 0) => {
    if (free > 0) free -= 1;
    else await new Promise<void>(go => waiting.push({ weight, go }));
    try {
      return await work();
    } finally {
      waiting.sort((one, other) => other.weight - one.weight);
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next.go();
    }
  };
}
