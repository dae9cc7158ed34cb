import { resolve } from 'node:path';
import type { VerbOutcome } from '../commands/outcome.ts';
import { recordText } from '../record/text.ts';
import type { Telling } from './arguments.ts';
import type { Printer } from './printer.ts';
import { inFlags } from './words.ts';

/** How the end of a run is shown. */
interface Shown {
  printer: Printer;
  telling: Telling;
  /** Standard output has the image, or the record's file is there: it takes nothing else. */
  isTaken: boolean;
}

/** What was made: a table for people, and on standard output what was asked for. */
export async function showOutcome(outcome: VerbOutcome, shown: Shown): Promise<void> {
  const { printer, telling } = shown;
  const { record, outputs } = outcome;
  if (!telling.quiet) {
    await tellWhatWasMade(outcome, printer);
    if (record !== undefined) tellRecord(outcome, printer);
  }
  showResult(outcome, shown);
  if (telling.json || shown.isTaken || outputs.ref === undefined) return;
  printer.result(`${outputs.ref}\n`);
  if (record === undefined && !telling.quiet) {
    const tags = [outputs.tags ?? []].flat();
    if (tags.length > 0) printer.tell(`It is tagged ${tags.join(', ')}.\n`);
  }
}

/** What a failed run has come to. */
export async function showUnfinished(outcome: VerbOutcome, shown: Shown): Promise<void> {
  const { record } = outcome;
  const { printer, telling } = shown;
  if (!telling.quiet && record !== undefined) {
    if (record.layers.length > 0) await tellWhatWasMade(outcome, printer);
    tellRecord(outcome, printer);
  }
  showResult(outcome, shown);
}

/** What makes the table is loaded when there is one. */
async function tellWhatWasMade({ record }: VerbOutcome, printer: Printer): Promise<void> {
  if (record === undefined) return;
  const { runResult } = await import('../report/table.ts');
  printer.tell(`${inFlags(runResult(record))}\n`, 'bold');
}

function tellRecord({ outputs: { record } }: VerbOutcome, printer: Printer): void {
  if (typeof record !== 'string') return;
  printer.tellLine([{ text: 'Record: ' }, { text: record, opens: resolve(record) }]);
}

/** The record, or what a verb that builds nothing has to tell. */
function showResult(outcome: VerbOutcome, { printer, telling, isTaken }: Shown): void {
  const { record, audit, told, plan, why, report } = outcome;
  const document = record ?? audit ?? told ?? plan ?? why;
  if (telling.json && document !== undefined) printer.json(recordText(document));
  else if (report !== undefined) (isTaken ? printer.tell : printer.result)(inFlags(report.text));
}
