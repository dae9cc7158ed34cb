import type { BuildRecord, Span } from '../record/types.ts';
import { storeName } from './units.ts';

/** What a kind of work is called; what it is about follows. */
const kindNames: Readonly<Record<Span['kind'], string>> = {
  'set-up': 'setting Nix up',
  install: 'installing Nix',
  inputs: 'fetching inputs',
  evaluate: 'evaluating',
  'memory-read': 'reading the memory',
  store: 'asking the store',
  plan: 'planning',
  restore: "restoring from GitHub's cache",
  nix: 'Nix at work',
  build: 'building',
  substitute: 'fetching',
  pack: 'packing',
  compress: 'compressing',
  upload: 'sending',
  presence: 'asking for blobs',
  manifest: 'putting the manifest',
  tag: 'moving the tag',
  'memory-write': 'writing the memory',
  'cache-push': 'pushing to a cache',
  audit: 'auditing',
  wait: 'waiting',
  finish: 'finishing',
};

/** What was done for no layer, then for each: those of the image in its order, then others that work names. */
export function spansByLayer({
  layers,
  spans,
}: Pick<BuildRecord, 'layers' | 'spans'>): (readonly [layer: string | undefined, Span[]])[] {
  const groups = Map.groupBy(spans, ({ layer }) => layer);
  const names = new Set([...layers.map(({ name }) => name), ...groups.keys()]);
  const known = [...names].filter(name => name !== undefined && groups.has(name));
  return [undefined, ...known].map(name => [name, groups.get(name) ?? []]);
}

/** "building torch-2.9.0", "sending sha256:3f…", "evaluating". */
export function spanName({ kind, detail = '' }: Pick<Span, 'kind' | 'detail'>): string {
  const isDigest = detail.startsWith('sha256:');
  const name = detail.startsWith('/') ? storeName(detail) : detail;
  const about = isDigest ? `${detail.slice(0, 'sha256:'.length + 12)}…` : name;
  return about === '' ? kindNames[kind] : `${kindNames[kind]} ${about}`;
}
