// npm run bench:workflows: what actionlint says of the workflows that are to be copied. It comes from Go's
// module proxy, into build/; needs go.

import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const version = 'v1.7.12';
const root = fileURLToPath(new URL('../', import.meta.url));
const folder = `${root}build/bench/workflows`;

if (!existsSync(`${folder}/actionlint`)) {
  run('go', 'install', `github.com/rhysd/actionlint/cmd/actionlint@${version}`);
}
const files = globSync('{templates/*/.github,examples}/workflows/*.yml', { cwd: root });
// what its checkers of scripts say depends on the machine
run(`${folder}/actionlint`, '-no-color', '-shellcheck=', '-pyflakes=', ...files.sort());
console.log(`actionlint ${version}: ${files.length} workflows without a complaint`);

function run(program: string, ...args: string[]): void {
  const { status, error } = spawnSync(program, args, {
    ...{ cwd: root, stdio: 'inherit' },
    env: { ...process.env, GOBIN: folder },
  });
  if (error) throw error;
  if (status !== 0) process.exit(1);
}
