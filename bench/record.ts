// npm run bench:record: what recording a run costs. First a long log of Nix, from lines to a record: CPU
// seconds, and memory that stays in use. Then builds by the program as it is and by one whose recorder
// takes nothing, in turn: CPU seconds of the program without Nix, medians. In a store of its own.

import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../scripts/bundling.ts';
import { tellNixTime } from '../src/commands/build/nix-events/nix-time.ts';
import { progressEvent } from '../src/commands/build/nix-events/progress-event.ts';
import { createEventReader } from '../src/nix/events.ts';
import { recordEvents } from '../src/record/recorder.ts';
import { quietHost } from '../test/tools/host.ts';
import { table } from './push/table.ts';

const rounds = Number(process.argv[2] ?? 20);
const execute = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'bench-record-'));

/** Lines as Nix writes them: for each derivation its beginning, its log with progress between, its end. */
function* logLines(count: number, ofEach: number): Generator<string> {
  for (let id = 1, lines = 0; lines < count; id += 1) {
    const drv = `/nix/store/${String(id).padStart(32, '0')}-package-${id}.drv`;
    yield `@nix {"action":"start","fields":["${drv}","",1,1],"id":${id},"level":3,"parent":0,"text":"building","type":105}`;
    for (let line = 0; line < ofEach - 2; line += 1) {
      yield line % 4 === 0
        ? `@nix {"action":"result","fields":[${line},${ofEach},1,0],"id":${id},"type":105}`
        : `@nix {"action":"result","fields":["checking for header number ${line} ... yes"],"id":${id},"type":101}`;
    }
    yield `@nix {"action":"stop","id":${id}}`;
    lines += ofEach;
  }
}

const cpuSeconds = (since?: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

/** From lines to a record, as a build reads them. */
function readLog(lines: readonly string[]) {
  const begin = process.cpuUsage();
  let now = 0;
  const recorder = recordEvents(0);
  const host = quietHost({ clock: () => now, emit: recorder.take });
  const reader = createEventReader();
  const time = tellNixTime(host);
  for (const line of lines) {
    now += 1;
    for (const event of reader.read(line, now)) {
      time.take(event);
      const told = progressEvent(event, () => 'layer');
      if (told) recorder.take(told);
    }
  }
  time.end();
  const { spans } = recorder.result(now);
  const seconds = cpuSeconds(begin);
  globalThis.gc?.();
  return {
    seconds,
    spans: spans.length,
    heap: process.memoryUsage().heapUsed,
    kept: [reader, recorder],
  };
}

function measureLogs(): void {
  const rows = [20, 2000, 100_000].map(ofEach => {
    const lines = [...logLines(100_000, ofEach)];
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    const { seconds, spans, heap } = readLog(lines);
    const megabytes = ((heap - before) / 1e6).toFixed(1);
    return [`${lines.length} lines, ${ofEach} of each`, seconds.toFixed(2), `${spans}`, megabytes];
  });
  console.log(table(['log of Nix', 'CPU s', 'spans', 'MB kept'], rows));
}

/** Eight derivations that say a thousand lines each, and 32 MB to be packed; `seed` makes all of it new. */
const flakeOf = (seed: string) => `{ outputs = { self }: let
  make = name: script: derivation {
    inherit name; system = "${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux";
    builder = "\${self}/busybox"; args = [ "sh" "-c" script ];
  };
  said = n: make "said-\${toString n}" "\${self}/busybox seq 1000; echo ${seed} > $out";
  base = make "base" "echo \${toString (builtins.genList said 8)} > $out";
  data = make "data" "\${self}/busybox dd if=/dev/urandom bs=1M count=32 > $out; : ${seed}";
in { comfyui = base // { recipe = { name = "demo"; tag = "x"; layers = [
  { name = "base"; target = base; } { name = "data"; target = data; }
]; }; }; }; }`;

/** The program, its recorder as it is or one that takes nothing. */
async function writeProgram(name: string, records: boolean): Promise<string> {
  const deaf = {
    name: 'deaf-recorder',
    transform(code: string, id: string) {
      if (!id.endsWith('/src/record/recorder.ts')) return null;
      const changed = code.replace(
        /return \{ take, result \}/,
        'return { take: () => {}, result }',
      );
      if (changed === code) throw new Error('the recorder is written otherwise than was thought');
      return changed;
    },
  };
  const at = join(folder, name);
  for (const { fileName, code } of await bundle(records ? [] : [deaf])) {
    mkdirSync(dirname(join(at, fileName)), { recursive: true });
    writeFileSync(join(at, fileName), code);
  }
  return at;
}

/** CPU seconds of one build, by a program that tells them when it exits. */
async function build(program: string, seed: string): Promise<number> {
  const flake = join(folder, 'flake');
  writeFileSync(join(flake, 'flake.nix'), flakeOf(seed));
  const told = join(folder, 'told');
  await execute(
    process.execPath,
    [
      ...['--import', join(folder, 'tell.mjs'), join(program, 'cli.js'), 'build'],
      ...[`path:${flake}#comfyui`, '--image', `oci:${join(folder, 'image')}`],
      ...['--install-nix', 'none', '--no-cuda-caches', '--record', join(folder, 'record.json')],
    ],
    { cwd: folder, env: { PATH: process.env.PATH, HOME: folder, TOLD: told }, maxBuffer: 1 << 28 },
  );
  return Number(readFileSync(told, 'utf8'));
}

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

async function measureBuilds(): Promise<void> {
  mkdirSync(join(folder, 'flake'));
  copyFileSync('/bin/busybox', join(folder, 'flake/busybox'));
  const tell = `import { writeFileSync } from 'node:fs'; process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeFileSync(process.env.TOLD, String((user + system) / 1e6)); });`;
  writeFileSync(join(folder, 'tell.mjs'), tell);
  const programs = { 'as it is': true, 'recorder takes nothing': false };
  const runs = new Map<string, number[]>();
  for (const [name, records] of Object.entries(programs)) {
    await writeProgram(name, records);
    runs.set(name, []);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, times] of runs)
      times.push(await build(join(folder, name), `${round} ${name}`));
  }
  const rows = [...runs].map(([name, times]) => {
    const [least = 0] = times.toSorted((one, other) => one - other);
    return [name, median(times).toFixed(3), least.toFixed(3)];
  });
  console.log(table(['builds', 'CPU s, median', 'least'], rows));
}

try {
  measureLogs();
  if (rounds > 0) await measureBuilds();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
