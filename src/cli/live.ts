import { createLogUpdate } from 'log-update';
import { createSupportsHyperlinks } from 'supports-hyperlinks';
import type { ProgressEvent } from '../host/events.ts';
import type { Clock } from '../host/host.ts';
import { patience } from '../host/limits.ts';
import { trackProgress } from '../record/progress.ts';
import { watchSilence } from '../record/silence.ts';
import { describeLayer, describeSilence } from '../report/activity.ts';
import { formatSeconds, storeName } from '../report/units.ts';
import { builderLog } from './builder-log.ts';
import { fitted } from './fit.ts';
import { frame } from './frame.ts';
import type { Look, Piece } from './paint.ts';
import type { Printer } from './printer.ts';
import type { View } from './view.ts';
import { inFlags } from './words.ts';

/** What a live view is shown with. */
export interface LiveWorld {
  terminal: NodeJS.WriteStream;
  printer: Pick<Printer, 'shown' | 'line' | 'showLinks'>;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether builders' lines stay. */
  isVerbose: boolean;
}

/** Draws the run anew five times a second; what is done with scrolls up above it. */
export function liveView(world: LiveWorld): View {
  const { terminal, printer, clock, isVerbose } = world;
  if (createSupportsHyperlinks(terminal)) printer.showLinks();
  const tracker = trackProgress(clock());
  const quiet = watchSilence(patience.quietBuild);
  const update = createLogUpdate(terminal);
  const say = (text: string, look?: Look) => update.persist(printer.shown(text, look));
  const draw = () => {
    const { columns, rows } = terminal;
    const lines = frame(tracker.progress, clock(), { columns, rows });
    const fit = (pieces: readonly Piece[]) => fitted(pieces, columns);
    update(lines.map(line => printer.line(line, fit)).join('\n'));
  };
  const timer = setInterval(() => {
    for (const each of quiet(tracker.progress, clock())) {
      say(`warning: ${inFlags(describeSilence(each, clock()))}`, 'yellow');
    }
    draw();
  }, 200);
  return {
    take(event) {
      const failed = failedBuild(event, tracker.progress.activities, world);
      tracker.take(event);
      if (event.type === 'warning') say(`warning: ${inFlags(event.message)}`, 'yellow');
      else if (event.type === 'notice') say(inFlags(event.message));
      else if (event.type === 'layer-end') {
        const layer = tracker.progress.layers.get(event.layer);
        if (layer !== undefined) say(describeLayer(layer, event.at), 'green');
      } else if (failed !== undefined) update.persist(printer.line(failed));
      else if (event.type === 'build-log' && isVerbose) {
        say(`${storeName(event.derivation)}> ${event.line}`, 'dim');
      } else return;
      draw();
    },
    say,
    close() {
      clearInterval(timer);
      update.clear();
      update.done();
    },
  };
}

/** The line for a build that has failed, whose name opens its log; `activities` are those before it. */
function failedBuild(
  event: ProgressEvent,
  activities: ReadonlyMap<string, { startedAt: number }>,
  { env }: Pick<LiveWorld, 'env'>,
): Piece[] | undefined {
  if (event.type !== 'build-end' || !event.failed) return undefined;
  const start = activities.get(event.derivation)?.startedAt ?? event.at;
  const log = builderLog(event.derivation, env);
  return [
    { text: 'FAILED ', look: 'red' },
    { text: storeName(event.derivation), look: 'red', ...(log && { opens: log }) },
    { text: ` after ${formatSeconds((event.at - start) / 1000)}` },
  ];
}
