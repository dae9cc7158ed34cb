import type { Fields } from '../../host/foreign-value.ts';
import { loneRow, type PathRow, type PathTable } from './rows.ts';

/** Rows that become text in one go. */
const portion = 200;

/** Store paths with their references as a document has them: each pair once, behind all that it refers to. */
export class NumberedPaths {
  private readonly rows: PathRow[] = [];
  /** By places, what another program has written. */
  private readonly more = new Map<number, Fields>();
  private readonly sizes = new Map<number, number>();
  /** By the places in their tables, one more than those of the rows. */
  private readonly places = new Map<PathTable, Uint32Array>();
  /** The row of a path that was met last … */
  private readonly ofPaths = new Map<string, number>();
  /** … and all others of it, by {@link pairName}: there are few, and the names are long. */
  private readonly ofPairs = new Map<string, number>();

  /** The place of any row of this path. */
  of(path: string): number {
    return this.ofPaths.get(path) ?? this.at(loneRow(path));
  }

  /** The place of a row; those that it reaches come before it. */
  at({ table, at: row }: PathRow): number {
    const places = this.placesIn(table);
    const pending = [row];
    for (let top = pending.at(-1); top !== undefined; top = pending.at(-1)) {
      const before = pending.length;
      if (!places[top]) pushUnknown(places, table.referencesAt(top), pending);
      if (pending.length === before) this.add(table, pending.pop() ?? row);
    }
    return (places[row] ?? 0) - 1;
  }

  /** The rows in JSON, some at a time: there is a comma between two of what it gives. */
  *json(): Generator<string> {
    for (let start = 0; start < this.rows.length; start += portion) {
      const rows = this.rows.slice(start, start + portion);
      const written = rows.map((row, at) => this.written(row, start + at));
      yield JSON.stringify(written).slice(1, -1);
    }
  }

  private placesIn(table: PathTable): Uint32Array {
    const places = this.places.get(table) ?? new Uint32Array(table.count);
    this.places.set(table, places);
    return places;
  }

  private add(table: PathTable, at: number): void {
    const places = this.placesIn(table);
    if (places[at]) return;
    const row = { table, at };
    const path = table.pathAt(at);
    const last = this.ofPaths.get(path);
    const place = this.placeOfPair(row, last) ?? this.rows.push(row) - 1;
    places[at] = place + 1;
    this.ofPaths.set(path, place);
    if (last !== undefined && last !== place) this.ofPairs.set(this.pairNameAt(last), last);
    const size = table.sizeAt?.(at);
    if (size !== undefined && !this.sizes.has(place)) this.sizes.set(place, size);
    const known = this.more.get(place);
    const more = table.moreAt?.(at);
    if (more) this.more.set(place, { ...known, ...more, ...known });
  }

  /** The place of the same path with the same references, which another memory may tell of. */
  private placeOfPair(row: PathRow, last: number | undefined): number | undefined {
    if (last === undefined) return undefined;
    const pair = this.pairName(row);
    return this.pairNameAt(last) === pair ? last : this.ofPairs.get(pair);
  }

  private pairNameAt(place: number): string {
    const row = this.rows[place];
    return row ? this.pairName(row) : '';
  }

  private pairName(row: PathRow): string {
    return `${row.table.pathAt(row.at)} ${this.referencesOf(row)}`;
  }

  private referencesOf({ table, at }: PathRow): number[] | undefined {
    const places = this.placesIn(table);
    const references = table.referencesAt(at);
    return references && Array.from(references, each => (places[each] ?? 1) - 1).sort(ascending);
  }

  private written(row: PathRow, place: number): Fields {
    const path = row.table.pathAt(row.at);
    const name = path.slice(path.lastIndexOf('/') + 1);
    const [size, more] = [this.sizes.get(place), this.more.get(place)];
    return { path: name, references: this.referencesOf(row), size, ...more };
  }
}

const ascending = (one: number, other: number) => one - other;

/** Adds those of the references that have no place yet, so that the first is the next. */
function pushUnknown(
  places: Uint32Array,
  references: ArrayLike<number> = [],
  pending: number[],
): void {
  for (let at = references.length - 1; at >= 0; at -= 1) {
    const each = references[at] ?? 0;
    if (!places[each]) pending.push(each);
  }
}
