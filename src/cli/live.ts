import { createLogUpdate } from 'log-update';
import type { TextGuard } from '../host/foreign-text.ts';
import type { Clock } from '../host/host.ts';
import { trackProgress } from '../record/progress.ts';
import { describeLayer } from '../report/activity.ts';
import { frame } from './frame.ts';
import type { View } from './view.ts';

/** Draws the run anew five times a second; what is done with scrolls up above it. */
export function liveView(
  stream: NodeJS.WriteStream,
  guard: TextGuard,
  clock: Clock,
  startedAt: number,
): View {
  const tracker = trackProgress(startedAt);
  const update = createLogUpdate(stream);
  const draw = () => {
    const { columns, rows } = stream;
    update(frame(tracker.progress, clock(), { columns, rows, guard }).join('\n'));
  };
  const keep = (text: string) => update.persist(guard.text(text));
  const timer = setInterval(draw, 200);
  return {
    take(event) {
      tracker.take(event);
      if (event.type === 'warning') keep(`warning: ${event.message}`);
      else if (event.type === 'notice') keep(event.message);
      else if (event.type === 'layer-end') {
        const layer = tracker.progress.layers.get(event.layer);
        if (layer !== undefined) keep(describeLayer(layer, event.at));
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
