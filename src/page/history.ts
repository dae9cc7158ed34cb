import uPlot from 'uplot';
import type { PageData } from '../report/page-data.ts';
import { formatBytes, formatSeconds } from '../report/units.ts';
import { byId, styleOf } from './elements.ts';

/** Draws how long the last runs took and what they sent; gives what draws it again, undefined for one run. */
export function drawHistory({ history }: PageData): (() => void) | undefined {
  if (history.length < 2) return undefined;
  const place = byId('history-chart');
  let chart: uPlot | undefined;
  const draw = () => {
    chart?.destroy();
    chart = new uPlot(options(history, place.clientWidth), columns(history), place);
  };
  draw();
  return draw;
}

const columns = (history: PageData['history']): uPlot.AlignedData => [
  history.map((_, at) => at),
  history.map(({ seconds }) => seconds),
  history.map(({ sentBytes }) => sentBytes),
];

const bars = uPlot.paths.bars?.({ size: [0.6, 60] });

function options(history: PageData['history'], width: number): uPlot.Options {
  const axis = { stroke: styleOf('ink'), grid: { stroke: styleOf('grid'), width: 1 }, size: 64 };
  const day = (at: number) => history[at]?.startedAt.slice(5, 10) ?? '';
  return {
    width,
    height: 240,
    scales: {
      x: { time: false, range: [-0.6, history.length - 0.4] },
      seconds: { range: (_, __, most) => [0, most * 1.1 || 1] },
      bytes: { range: (_, __, most) => [0, most * 1.1 || 1] },
    },
    axes: [
      { ...axis, size: 32, incrs: [1, 2, 5, 10], values: (_, splits) => splits.map(day) },
      { ...axis, scale: 'seconds', size: 84, values: (_, splits) => splits.map(formatSeconds) },
      {
        ...axis,
        scale: 'bytes',
        side: 1,
        grid: { show: false },
        values: (_, splits) => splits.map(bytes => formatBytes(Math.round(bytes))),
      },
    ],
    series: [
      {},
      {
        scale: 'seconds',
        ...(bars ? { paths: bars } : {}),
        fill: styleOf('build'),
        stroke: styleOf('build'),
        points: { show: false },
      },
      { scale: 'bytes', stroke: styleOf('send'), width: 2, points: { size: 7 } },
    ],
    legend: { show: false },
    cursor: { show: false },
  };
}
