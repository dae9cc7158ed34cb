// The program of the page that `report --html` makes. The page says all in tables without it; this draws
// the time line and the last runs, and lets readers search.

import type { PageData } from '../report/page-data.ts';
import { drawHistory } from './history.ts';
import { drawTimeLine } from './time-line.ts';
import { fillTable } from './work-table.ts';

const data = JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;

const redraws = [drawTimeLine(data), drawHistory(data), fillTable(data)].flatMap(
  redraw => redraw ?? [],
);
const redrawAll = (): void => {
  for (const redraw of redraws) redraw();
};

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll);
let width = innerWidth;
addEventListener('resize', () => {
  // a phone's bars that come and go change the height alone
  if (width === innerWidth) return;
  width = innerWidth;
  redrawAll();
});
