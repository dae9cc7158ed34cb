import type { PageData } from '../report/page-data.ts';
import { formatSeconds } from '../report/units.ts';
import { byId, textElement } from './elements.ts';

/** Rows that are shown at first, and with each wish for more. */
const page = 50;

/** Makes the table of what took time one of all of it, to be searched and read on. */
export function fillTable({ bars, rows }: PageData): undefined {
  const body = byId('work-rows');
  const search = byId('work-search') as HTMLInputElement;
  const more = byId('work-more');
  const count = byId('work-count');
  const order = bars.name.map((_, at) => at).sort((a, b) => secondsOf(b) - secondsOf(a));
  const texts = bars.name.map((name, at) =>
    [name, rows[bars.row[at] ?? 0]?.name, bars.place[at]].join(' ').toLowerCase(),
  );
  let shown = page;

  function secondsOf(at: number): number {
    return bars.seconds[at] ?? 0;
  }

  const row = (at: number): HTMLTableRowElement => {
    const line = document.createElement('tr');
    const layer = rows[bars.row[at] ?? 0]?.name ?? '';
    const head = textElement('th', bars.name[at] ?? '');
    head.scope = 'row';
    const numbers = [bars.start[at] ?? 0, secondsOf(at)].map(seconds => {
      const cell = textElement('td', formatSeconds(seconds));
      cell.className = 'number';
      return cell;
    });
    line.append(
      head,
      textElement('td', layer),
      textElement('td', bars.place[at] ?? ''),
      ...numbers,
    );
    return line;
  };

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/);
    const found = order.filter(at => words.every(word => texts[at]?.includes(word)));
    body.replaceChildren(...found.slice(0, shown).map(row));
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
