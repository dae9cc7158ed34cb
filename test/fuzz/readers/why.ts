import fc from 'fast-check';
import { causesOf } from '../../../src/why/causes.ts';
import { compareDerivations } from '../../../src/why/compare.ts';
import { readKept, writeKept } from '../../../src/why/document.ts';
import { kept } from '../../unit/why/sample.ts';
import { mutatedJson } from '../mutations.ts';
import { type FuzzedReader, fuzzed } from '../reader.ts';

const mark = '0a1b2c';
const image = kept(
  {
    stdenv: { name: 'stdenv', fields: { shell: mark } },
    app: {
      name: 'app-1.0',
      inputs: ['stdenv'],
      sources: { 'main.py': 'x' },
      fields: { src: mark },
    },
  },
  { app: ['app'] },
);

/** What a run does with what another one has kept. */
function explain(text: string): unknown {
  const before = readKept(text);
  return [compareDerivations(before, image), compareDerivations(image, before)].map(causesOf);
}

export const readers: FuzzedReader[] = [
  fuzzed({
    name: 'what is kept of derivations',
    cases: fc.oneof(mutatedJson(JSON.parse(writeKept(image)))),
    read: explain,
  }),
];
