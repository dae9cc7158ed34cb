// Changes the program in places that are drawn, one at a time, and looks whether the unit tests notice:
//
//     npm run mutations            the draw of scripts/mutations/list.json, which it writes anew
//     npm run mutations -- SEED    another draw; nothing is written
//
// It fails where fewer than nine in ten of those changes are noticed that make a difference. Which make
// none is said in the list, with the reason, by hand.

import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawMutants, identityOf, type Mutant } from './mutations/draw.ts';
import { killerOf } from './mutations/run.ts';
import { testsThatSee } from './mutations/seen-by.ts';

const listFile = 'scripts/mutations/list.json';

/** What decides bytes, keys and what is believed. */
const subjects = [
  'src/image/**/*.ts',
  'src/registry/**/*.ts',
  'src/nix/conf-files.ts',
  'src/nix/events.ts',
  'src/wheels/choose.ts',
];

/** How many of ten that make a difference must be noticed. */
const wanted = 9;

/** What became of a mutant: the test that noticed it, or why nobody can; neither where it survived. */
interface Verdict extends Pick<Mutant, 'file' | 'text' | 'change' | 'nth'> {
  killedBy?: string;
  equivalent?: string;
}

interface List {
  seed: number;
  count: number;
  mutants: Verdict[];
}

async function main(given: string | undefined): Promise<void> {
  const list = JSON.parse(readFileSync(listFile, 'utf8')) as List;
  const seed = given === undefined ? list.seed : Number(given);
  const reasons = new Map(list.mutants.map(mutant => [identityOf(mutant), mutant.equivalent]));
  const mutants = drawMutants(subjects.flatMap(files => globSync(files)).sort(), seed, list.count);
  const tests = globSync('test/unit/**/*.test.ts').sort();
  const folder = mkdtempSync(join(tmpdir(), 'mutations-'));
  const verdicts: Verdict[] = [];
  for (const mutant of mutants) {
    const verdict = await judge(mutant, reasons.get(identityOf(mutant)), tests, folder);
    console.log(row(mutant, verdict));
    verdicts.push(verdict);
  }
  rmSync(folder, { recursive: true });
  if (given === undefined) {
    writeFileSync(listFile, `${JSON.stringify({ ...list, mutants: verdicts }, null, 2)}\n`);
  }
  sumUp(seed, verdicts);
}

async function judge(
  mutant: Mutant,
  equivalent: string | undefined,
  tests: readonly string[],
  folder: string,
): Promise<Verdict> {
  const { file, text, change, nth } = mutant;
  const killedBy = await killerOf(mutant, testsThatSee(file, tests), folder);
  return {
    file,
    text,
    change,
    nth,
    ...(killedBy === undefined ? {} : { killedBy }),
    ...(equivalent === undefined ? {} : { equivalent }),
  };
}

function row({ file, line, text }: Mutant, { change, killedBy, equivalent }: Verdict): string {
  const end = killedBy ?? (equivalent === undefined ? 'SURVIVED' : `equivalent: ${equivalent}`);
  return `| ${file}:${line} | \`${text.replaceAll('|', '\\|')}\` | ${change.replaceAll('|', '\\|')} | ${end} |`;
}

function sumUp(seed: number, verdicts: readonly Verdict[]): void {
  const wrong = verdicts.filter(({ killedBy, equivalent }) => killedBy && equivalent);
  for (const { file, text } of wrong) console.log(`said to make no difference: ${file}: ${text}`);
  const real = verdicts.filter(({ equivalent }) => equivalent === undefined);
  const killed = real.filter(({ killedBy }) => killedBy !== undefined).length;
  const equivalent = verdicts.length - real.length;
  console.log(`\nseed ${seed}: ${killed} of ${real.length} noticed, ${equivalent} equivalent`);
  if (wrong.length > 0 || killed * 10 < real.length * wanted) process.exitCode = 1;
}

// the test that is running goes with it: a mutant may never end
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
await main(process.argv[2]);
