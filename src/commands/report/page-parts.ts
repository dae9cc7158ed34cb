import { readFile } from 'node:fs/promises';
import { Failure } from '../../host/failure.ts';
import type { PageParts } from '../../report/page.ts';

/** The page's program and style sheet, which lie beside this module in the built program. */
export async function readPageParts(): Promise<PageParts> {
  const [script, style] = await Promise.all(['page.js', 'page.css'].map(read));
  return { script: script ?? '', style: style ?? '' };
}

const read = (name: string): Promise<string> =>
  readFile(new URL(name, import.meta.url), 'utf8').catch(cause => {
    throw new Failure(`The program of the page, ${name}, could not be read.`, {
      next: 'It is a part of what npm run build makes: run dist/cli.js.',
      cause,
    });
  });
