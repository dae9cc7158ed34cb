import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The folder of a real uv, for PATH; it is fetched once (`scripts/fetch-uv`). */
export function folderOfUv(): string {
  execFileSync(file('scripts/fetch-uv'), [file('build/uv')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return file('build/uv/uv-0.13.9');
}
