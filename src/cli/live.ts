import { createLogUpdate } from 'log-update';
import type { Clock } from '../host/host.ts';
import { trackProgress } from '../record/progress.ts';
import { describeLayer } from '../report/activity.ts';
import { frame } from './frame.ts';
import type { View } from './view.ts';

/** Draws the run anew five times a second; what is done with scrolls up above it. */
export function liveView(stream: NodeJS.WriteStream, clock: Clock, startedAt: number): View {
  const tracker = trackProgress(startedAt);
  const update = createLogUpdate(stream);
  const draw = () =>
    update(frame(tracker.progress, clock(), stream.columns, stream.rows).join('\n'));
  const timer = setInterval(draw, 200);
  return {
    take(event) {
      tracker.take(event);
      if (event.type === 'warning') update.persist(`warning: ${event.message}`);
      else if (event.type === 'notice') update.persist(event.message);
      else if (event.type === 'layer-end') {
        const layer = tracker.progress.layers.get(event.layer);
        if (layer !== undefined) update.persist(describeLayer(layer, event.at));
      } else return;
      draw();
    },
    close() {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}
