// Copies as tests make them.
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { copy } from '../../../src/commands/copy.ts';
import type { CopySettings } from '../../../src/inputs/settings.ts';
import { quietHost } from '../../tools/host.ts';
import { temporaryFolder } from '../image/fixtures.ts';

/** Settings of a copy to the tag `t`. */
export const settings = (source: string, image: string, more: Partial<CopySettings> = {}) =>
  ({
    source,
    destination: { image, tags: ['t'] },
    compression: 'zstd',
    credentials: {},
    fromFork: false,
    writeMemory: true,
    all: false,
    workingDirectory: '/',
    ...more,
  }) as CopySettings;

/** Copies, and gives the outputs and what was said. */
export async function copied(source: string, image: string, more?: Partial<CopySettings>) {
  const said: string[] = [];
  const host = quietHost({
    emit: event => {
      if (event.type === 'notice' || event.type === 'warning') said.push(event.message);
    },
  });
  const { outputs } = await copy(settings(source, image, more), host);
  return { outputs, said };
}

/** Folders that are not there yet, in one that is. */
export const folders = (t: TestContext) => {
  const root = temporaryFolder(t);
  return { from: join(root, 'from'), to: join(root, 'to'), root };
};
