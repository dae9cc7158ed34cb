// The command line with a build that is in the middle of its work, and stays there: for tests of what a
// terminal shows of it.

import { runCli } from '../../src/cli/cli.ts';
import { openPrinter, processStreams } from '../../src/cli/printer.ts';
import type { Verb } from '../../src/commands/verbs.ts';
import type { ProgressEvent } from '../../src/host/events.ts';

const names = [
  ...['layer0-base', 'layer1-python', 'layer2-wheels', 'layer3-pytorch', 'layer4-cuda'],
  ...Array.from({ length: 20 }, (_, at) => `layer5-nodes-${at}`),
  'layer6-app',
];
const drv = (name: string) => `/nix/store/${'a'.repeat(32)}-${name}.drv`;

function eventsAt(at: number): ProgressEvent[] {
  const layers = names.map(name => ({ name, reused: name === 'layer0-base', shipped: true }));
  const building = (name: string, layer: string, line: string): ProgressEvent[] => [
    { type: 'build-start', derivation: drv(name), machine: '', layer, at: at - 70_000 },
    { type: 'build-log', derivation: drv(name), line, layer, at: at - 2_000 },
  ];
  return [
    { type: 'phase-start', phase: 'realise', at },
    { type: 'plan', layers, at },
    { type: 'layer-end', layer: 'layer0-base', at },
    ...building(
      'comfyui-0.3.75',
      'layer6-app',
      'Installing \u001b[31mcustom\u001b]8;;x\u0007 nodes 📦 日本語',
    ),
    ...building(
      'torch-2.9.0',
      'layer3-pytorch',
      `[1204/5310] Building CUDA object ${'x'.repeat(300)}`,
    ),
    {
      type: 'build-end',
      derivation: drv('xformers-0.0.33'),
      failed: true,
      layer: 'layer4-cuda',
      at,
    },
    { type: 'counts', built: { done: 12, expected: 41 }, fetched: { done: 3, expected: 9 }, at },
    { type: 'download', done: 0, expected: 640e6, at: at - 20_000 },
    { type: 'download', done: 180e6, expected: 640e6, at },
    {
      type: 'transfer-start',
      layer: 'layer1-python',
      blob: 0,
      uncompressedSize: 4e9,
      at: at - 20_000,
    },
    { type: 'transfer-progress', layer: 'layer1-python', blob: 0, read: 1e9, sent: 4e8, at },
    { type: 'warning', message: 'This run has `reuse: false`.', at },
  ];
}

const streams = processStreams();
const verb: Verb = async (_raw, _context, host) => {
  const now = host.clock();
  for (const event of eventsAt(now)) host.emit(event);
  await new Promise(() => undefined);
  return { outputs: {} };
};
await runCli({
  arguments: ['build'],
  env: process.env,
  currentDirectory: process.cwd(),
  clock: Date.now,
  signal: new AbortController().signal,
  printer: openPrinter(streams),
  image: undefined,
  terminal: streams.terminal,
  columns: streams.columns,
  verbs: {
    build: verb,
    setup: verb,
    prefetch: verb,
    audit: verb,
    report: verb,
    copy: verb,
    plan: verb,
    why: verb,
  },
});
