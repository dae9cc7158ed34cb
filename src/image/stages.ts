/** A stage of a blob that is made and sent in one pass; milliseconds since the blob was opened. */
export interface Stage {
  from: number;
  to: number;
  /** How much of it the other stages had to wait for this one. */
  busy: number;
}

/** Reading and packing, compressing, and what takes the bytes: they follow each other frame by frame. */
export type Stages = Readonly<Record<'pack' | 'compress' | 'upload', Stage>>;

/** Watches a pass that is in one of the stages at any time, one after the other. */
export function watchStages(now: () => number = () => performance.now()) {
  const opened = now();
  let last = 0;
  const stages = { pack: fresh(), compress: fresh(), upload: fresh() };
  return {
    stages: stages as Stages,
    /** All since the last call was this stage's. */
    passed(name: keyof Stages): void {
      const at = now() - opened;
      const stage = stages[name];
      if (stage.busy === 0) stage.from = last;
      stage.busy += at - last;
      stage.to = at;
      last = at;
    },
  };
}

const fresh = (): Stage => ({ from: 0, to: 0, busy: 0 });
