/** One column of the lock: what a set of wheels is for. */
export interface Variant {
  /** Nix's name: "x86_64-linux". */
  system: string;
  /** PyTorch's name: "cu130". */
  cuda: string;
  /** "3.12". */
  python: string;
}

/** CPython's tag: "cp312" for 3.12. */
export function pythonTag({ python }: Pick<Variant, 'python'>): string {
  return `cp${python.replace('.', '')}`;
}

/** A variant for people: "cu130, cp312, x86_64-linux". */
export function describeVariant(variant: Variant): string {
  return `${variant.cuda}, ${pythonTag(variant)}, ${variant.system}`;
}

/** Fills a variant into a text with `{cuda}`, `{python}` (3.12) and `{cp}` (cp312). */
export function fillIn(pattern: string, variant: Variant): string {
  return pattern
    .replaceAll('{cuda}', variant.cuda)
    .replaceAll('{python}', variant.python)
    .replaceAll('{cp}', pythonTag(variant));
}
