import uPlot from 'uplot';
import { barKinds, type PageData } from '../report/page-data.ts';
import { formatSeconds } from '../report/units.ts';
import { byId, styleOf, textElement } from './elements.ts';
import { type Lane, lanesShown } from './lanes-shown.ts';
import { tipFor } from './tip.ts';
import { zoomTools } from './zoom.ts';

/** Pixels of a lane, and of the axis below all of them. */
const laneHeight = 22;
const axisHeight = 40;

/** Draws the time line; gives what draws it again. */
export function drawTimeLine(data: PageData): (() => void) | undefined {
  if (data.bars.name.length === 0) return undefined;
  const place = byId('time-line-chart');
  const choice = byId('time-line-layer') as HTMLSelectElement;
  data.rows.forEach(({ name, lanes }, at) => {
    if (lanes > 0) choice.append(option(name, String(at)));
  });
  let chart: uPlot | undefined;
  const drawFrom = (stretch?: { min: number; max: number }): void => {
    const before = chart?.scales.x ?? {};
    chart?.destroy();
    const lanes = lanesShown(data, choice.value === '' ? undefined : Number(choice.value));
    chart = new uPlot(
      options(lanes, place.clientWidth, at => choose(at)),
      [
        [0, data.seconds],
        [null, null],
      ],
      place,
    );
    const { min = before.min ?? 0, max = before.max ?? data.seconds } = stretch ?? {};
    chart.setScale('x', { min, max });
  };
  const draw = () => drawFrom();
  /** A layer is shown from its beginning to its end. */
  const drawChosen = () =>
    drawFrom(stretchOf(data, choice.value === '' ? undefined : Number(choice.value)));
  const choose = (row: number): void => {
    choice.value = String(row);
    drawChosen();
  };
  choice.addEventListener('change', drawChosen);
  zoomTools(place, data.seconds, () => chart);
  byId('time-line-tools').hidden = false;
  draw();
  return draw;
}

/** Where all that is shown of a layer begins and ends, with some room around it. */
function stretchOf(data: PageData, row: number | undefined): { min: number; max: number } {
  if (row === undefined) return { min: 0, max: data.seconds };
  const lanes = lanesShown(data, row);
  const [from, to] = [
    Math.min(...lanes.map(lane => lane.from)),
    Math.max(...lanes.map(lane => lane.to)),
  ];
  const room = Math.max(0.05, (to - from) / 50);
  return { min: Math.max(0, from - room), max: Math.min(data.seconds, to + room) };
}

function option(name: string, value: string): HTMLOptionElement {
  const made = textElement('option', name);
  made.value = value;
  return made;
}

function options(
  lanes: readonly Lane[],
  width: number,
  choose: (row: number) => void,
): uPlot.Options {
  return {
    width,
    height: lanes.length * laneHeight + axisHeight,
    padding: [0, 8, 0, 8],
    scales: { x: { time: false }, y: { range: [0, 1] } },
    axes: [
      {
        size: axisHeight,
        space: 70,
        stroke: styleOf('ink'),
        grid: { stroke: styleOf('grid'), width: 1 },
        ticks: { stroke: styleOf('grid'), width: 1 },
        values: (_, splits) => splits.map(formatSeconds),
      },
      { show: false },
    ],
    series: [{}, { paths: () => null, points: { show: false } }],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
    hooks: {
      draw: [chart => drawLanes(chart, lanes)],
      ready: [chart => tipFor(chart, lanes, laneHeight, choose)],
    },
  };
}

function drawLanes(chart: uPlot, lanes: readonly Lane[]): void {
  const { ctx, bbox } = chart;
  const colours = barKinds.map(kind => styleOf(kind));
  const height = laneHeight * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${12 * devicePixelRatio}px ${styleOf('font')}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  lanes.forEach((lane, at) => {
    drawLane(chart, lane, { top: bbox.top + at * height, height, colours });
  });
  ctx.restore();
}

/** Where a lane is on the canvas, in its pixels. */
interface LanePlace {
  top: number;
  height: number;
  colours: readonly string[];
}

function drawLane(chart: uPlot, lane: Lane, { top, height, colours }: LanePlace): void {
  const { ctx, bbox } = chart;
  const x = (seconds: number) => chart.valToPos(seconds, 'x', true);
  for (const { kind, start, seconds, text } of lane.bars) {
    const left = Math.max(bbox.left, x(start));
    const right = Math.min(bbox.left + bbox.width, x(start + seconds));
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillStyle = colours[kind] ?? '';
    ctx.fillRect(left, top + 2, Math.max(1, right - left), height - 4);
    if (lane.label === undefined && right - left > ctx.measureText(text).width + 8) {
      ctx.fillStyle = styleOf('on-bar');
      ctx.fillText(text, left + 4, top + height / 2);
    }
  }
  if (lane.label !== undefined) drawLabel(chart, lane.label, lane, top + height / 2);
}

/** The name of a layer stands behind its bars where there is room, else before them. */
function drawLabel(chart: uPlot, label: string, lane: Lane, middle: number): void {
  const { ctx, bbox } = chart;
  const x = (seconds: number) => chart.valToPos(seconds, 'x', true);
  const width = ctx.measureText(label).width;
  const [from, to] = [x(lane.from), x(lane.to)].map(at =>
    Math.min(Math.max(at, bbox.left), bbox.left + bbox.width),
  ) as [number, number];
  const after = to + 6 + width <= bbox.left + bbox.width;
  const left = after ? to + 6 : Math.max(bbox.left + 2, from - 6 - width);
  if (!after && from - 6 - width < bbox.left) {
    ctx.fillStyle = styleOf('paper');
    ctx.globalAlpha = 0.8;
    ctx.fillRect(left - 2, middle - 8 * devicePixelRatio, width + 4, 16 * devicePixelRatio);
    ctx.globalAlpha = 1;
  }
  ctx.fillStyle = styleOf(lane.isCritical ? 'critical' : 'ink');
  ctx.fillText(label, left, middle);
}
