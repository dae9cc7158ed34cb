/** Lines that are kept of a layer; a build of PyTorch alone writes more than memory should hold. */
const mostLines = 5_000;

/** The last lines of what was done for one layer. */
export interface LayerBuffer {
  add(line: string): void;
  markFailed(): void;
  failed(): boolean;
  /** The lines kept, after one that says how many are missing. */
  lines(): string[];
}

export function layerBuffer(): LayerBuffer {
  let kept: string[] = [];
  let dropped = 0;
  let failed = false;
  return {
    add(line) {
      kept.push(line);
      // in halves, since taking single lines off the front would copy all of them each time
      if (kept.length < 2 * mostLines) return;
      dropped += kept.length - mostLines;
      kept = kept.slice(-mostLines);
    },
    markFailed: () => {
      failed = true;
    },
    failed: () => failed,
    lines: () => (dropped === 0 ? [...kept] : [`(${dropped} lines left out)`, ...kept]),
  };
}
