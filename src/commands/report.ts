import type { Host } from '../host/host.ts';
import { checkOutput, writeOutput } from '../host/output-file.ts';
import type { ReportSettings } from '../inputs/settings.ts';
import { runText } from '../report/run-text.ts';
import { summaryMarkdown } from '../report/summary.ts';
import { traceText } from '../report/trace.ts';
import type { VerbOutcome } from './outcome.ts';
import { findRun } from './report/find-run.ts';
import type { RecordedRun } from './report/recorded-run.ts';

/**
 * Tells of a run that was recorded: prints it in the form that is asked for, and writes it as a trace and
 * as a page. Nothing is built, and nothing in a registry changes.
 */
export async function report(settings: ReportSettings, host: Host): Promise<VerbOutcome> {
  const { traceFile, htmlFile } = settings;
  for (const file of [traceFile, htmlFile]) if (file !== undefined) await checkOutput(file);
  const run = await findRun(settings, host);
  if (traceFile !== undefined) await writeOutput(traceFile, traceText(run.record), host);
  if (htmlFile !== undefined) await writeOutput(htmlFile, await page(run), host);
  const markdown = summaryMarkdown(run.record, run.previous);
  const text = settings.markdown ? markdown : runText(run.record);
  return { report: { text, markdown }, told: run.record, outputs: {} };
}

async function page(run: RecordedRun): Promise<string> {
  const [{ readPageParts }, { pageHtml }] = await Promise.all([
    import('./report/page-parts.ts'),
    import('../report/page.ts'),
  ]);
  return pageHtml(run, await readPageParts());
}
