import type { ProgressEvent } from '../host/events.ts';

/** Apportions the one sum of downloaded bytes that Nix tells to the layers. */
export interface Downloads {
  take(event: ProgressEvent): void;
  /** Bytes downloaded for a layer so far. */
  of(layer: string): number;
  /** Bytes downloaded so far, for a layer or for none. */
  all(): number;
}

/**
 * Nix tells one sum over all downloads. What is added to it belongs to the layers whose paths are
 * being substituted at that moment, in equal parts by path; with none running, to the layer of the
 * last one. No byte is counted twice or lost between layers.
 */
export function apportionDownloads(): Downloads {
  const running = new Map<string, string | undefined>();
  const bytes = new Map<string, number>();
  let recent: string | undefined;
  let told = 0;

  const share = (added: number) => {
    const layers = running.size === 0 ? [recent] : [...running.values()];
    const part = Math.floor(added / layers.length);
    layers.forEach((layer, index) => {
      if (layer === undefined) return;
      const own = index === 0 ? added - part * (layers.length - 1) : part;
      bytes.set(layer, (bytes.get(layer) ?? 0) + own);
    });
  };

  return {
    take(event) {
      if (event.type === 'substitute-start') {
        running.set(event.path, event.layer);
        recent = event.layer;
      } else if (event.type === 'substitute-end') running.delete(event.path);
      else if (event.type === 'download' && event.done > told) {
        share(event.done - told);
        told = event.done;
      }
    },
    of: layer => bytes.get(layer) ?? 0,
    all: () => told,
  };
}
