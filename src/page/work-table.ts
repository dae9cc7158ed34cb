import type { PageData } from '../report/page-data.ts';
import { formatSeconds } from '../report/units.ts';
import { byId, textElement } from './elements.ts';

/** Rows that are shown at first, and with each wish for more. */
const page = 50;

const seconds = ({ seconds }: PageData['bars'], at: number): number => seconds[at] ?? 0;

/** Makes the table of what took time one of all of it, to be searched and read on. */
export function fillTable(data: PageData): undefined {
  const { bars, rows } = data;
  const body = byId('work-rows');
  const search = byId('work-search') as HTMLInputElement;
  const more = byId('work-more');
  const count = byId('work-count');
  const order = bars.name.map((_, at) => at).sort((a, b) => seconds(bars, b) - seconds(bars, a));
  const texts = bars.name.map((name, at) =>
    [name, rows[bars.row[at] ?? 0]?.name, bars.place[at]].join(' ').toLowerCase(),
  );
  let shown = page;

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const found = order.filter(at => words.every(word => texts[at]?.includes(word)));
    body.replaceChildren(...found.slice(0, shown).map(at => tableRow(data, at)));
    const told = Math.min(shown, found.length);
    count.textContent = `${told} of ${found.length} shown, the longest first`;
    more.hidden = told === found.length;
  };

  search.addEventListener('input', () => {
    shown = page;
    show();
  });
  more.addEventListener('click', () => {
    shown += page;
    show();
  });
  byId('work-tools').hidden = false;
  show();
}

function tableRow({ bars, rows }: PageData, at: number): HTMLTableRowElement {
  const line = document.createElement('tr');
  const layer = rows[bars.row[at] ?? 0]?.name ?? '';
  const head = textElement('th', bars.name[at] ?? '');
  head.scope = 'row';
  const numbers = [bars.start[at] ?? 0, seconds(bars, at)].map(time => {
    const cell = textElement('td', formatSeconds(time));
    cell.className = 'number';
    return cell;
  });
  line.append(head, textElement('td', layer), textElement('td', bars.place[at] ?? ''), ...numbers);
  return line;
}
