import type uPlot from 'uplot';
import { byId } from './elements.ts';
import type { Lane, ShownBar } from './lanes-shown.ts';

/** Says what is under the pointer, and has a layer that is clicked shown by itself. */
export function tipFor(
  chart: uPlot,
  lanes: readonly Lane[],
  laneHeight: number,
  choose: (row: number) => void,
): void {
  const tip = byId('tip');
  const laneAt = (event: MouseEvent) => lanes[Math.floor(event.offsetY / laneHeight)];
  let downAt = 0;
  chart.over.addEventListener('mousemove', event => {
    const lane = laneAt(event);
    const bar = lane && barAt(lane, chart.posToVal(event.offsetX, 'x'), secondsOfPixel(chart));
    tip.hidden = bar === undefined;
    if (bar === undefined) return;
    tip.textContent = [bar.text, bar.place].filter(text => text !== '').join(' · ');
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, room))}px`;
    tip.style.top = `${event.clientY + 16}px`;
  });
  chart.over.addEventListener('mouseleave', () => {
    tip.hidden = true;
  });
  chart.over.addEventListener('mousedown', event => {
    downAt = event.clientX;
  });
  chart.over.addEventListener('click', event => {
    const lane = laneAt(event);
    // what is drawn over a stretch is a wish to zoom
    if (lane?.label !== undefined && Math.abs(event.clientX - downAt) < 4) choose(lane.row);
  });
}

const secondsOfPixel = (chart: uPlot): number => chart.posToVal(1, 'x') - chart.posToVal(0, 'x');

/** The shortest bar at a time: it lies over the others. */
function barAt({ bars }: Lane, at: number, slack: number): ShownBar | undefined {
  let found: ShownBar | undefined;
  for (const bar of bars) {
    const isThere = bar.start - slack <= at && at <= bar.start + bar.seconds + slack;
    if (isThere && (found === undefined || bar.seconds < found.seconds)) found = bar;
  }
  return found;
}
