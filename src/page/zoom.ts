import type uPlot from 'uplot';
import { formatSeconds } from '../report/units.ts';
import { byId } from './elements.ts';

/** Seconds below which nothing is zoomed into. */
const leastShown = 0.01;

type Change = 'in' | 'out' | 'left' | 'right' | 'all';

const keys: Readonly<Record<string, Change>> = {
  '+': 'in',
  '=': 'in',
  '-': 'out',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  '0': 'all',
  Home: 'all',
};

/** Zooms and moves the time line by buttons and keys, and says what is shown. */
export function zoomTools(
  place: HTMLElement,
  seconds: number,
  chartNow: () => uPlot | undefined,
): void {
  const shown = byId('time-line-shown');
  const change = (kind: Change): void => {
    const chart = chartNow();
    const { min, max } = chart?.scales.x ?? {};
    if (chart === undefined || min == null || max == null) return;
    const [from, to] = changed(kind, min, max, seconds);
    chart.setScale('x', { min: from, max: to });
    shown.textContent = `Shown: ${formatSeconds(from)} to ${formatSeconds(to)}`;
  };
  for (const button of byId('time-line-tools').querySelectorAll('button')) {
    button.addEventListener('click', () => change(button.value as Change));
  }
  place.addEventListener('keydown', event => {
    const kind = keys[event.key];
    if (kind === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    change(kind);
  });
}

/** What is shown after a change, within the run. */
function changed(kind: Change, min: number, max: number, seconds: number): [number, number] {
  const width = max - min;
  if (kind === 'all') return [0, seconds];
  if (kind === 'left' || kind === 'right') {
    const step = kind === 'left' ? -Math.min(width / 4, min) : Math.min(width / 4, seconds - max);
    return [min + step, max + step];
  }
  const wanted = Math.max(leastShown, kind === 'in' ? width / 2 : width * 2);
  const from = Math.max(0, (min + max - wanted) / 2);
  return [from, Math.min(seconds, from + wanted)];
}
