import { limits } from '../host/limits.ts';

/** What a wheel's file name says (PyPA's binary distribution format, formerly PEP 427). */
export interface WheelName {
  /** Normalised: "flash-attn" for `flash_attn-…`. */
  project: string;
  /** With its local part: "2.10.0+cu130". */
  version: string;
  /** Orders wheels of one version; a wheel without a build tag comes first. */
  build: { number: number; rest: string } | undefined;
  pythons: readonly string[];
  abis: readonly string[];
  platforms: readonly string[];
}

/** A project's name as indexes compare it (PEP 503, "Normalized Names"). */
export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** What the parts of a wheel's file name are made of; "!" is for epochs, "+" for local versions. */
const partsPattern = /^[\w.!+-]+\.whl$/;

/** Takes a file name apart; undefined where it is no wheel's. */
export function parseWheelName(filename: string): WheelName | undefined {
  if (filename.length > limits.fileName || !partsPattern.test(filename)) return undefined;
  const parts = filename.slice(0, -'.whl'.length).split('-');
  if (parts.length !== 5 && parts.length !== 6) return undefined;
  const [project = '', version = ''] = parts;
  const [pythons = '', abis = '', platforms = ''] = parts.slice(-3);
  const [, number, rest = ''] =
    /^(\d+)(.*)$/.exec(parts.length === 6 ? (parts[2] ?? '') : '') ?? [];
  if (parts.length === 6 && number === undefined) return undefined;
  return {
    project: normalizeName(project),
    version,
    build: number === undefined ? undefined : { number: Number(number), rest },
    pythons: pythons.split('.'),
    abis: abis.split('.'),
    platforms: platforms.split('.'),
  };
}

/** Orders build tags: absent, then by number, then by what follows it. */
export function compareBuilds(a: WheelName['build'], b: WheelName['build']): number {
  const [first, second] = [a?.number ?? -1, b?.number ?? -1];
  if (first !== second) return first - second;
  const [left, right] = [a?.rest ?? '', b?.rest ?? ''];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** The file name at the end of an address, decoded. */
export function fileNameOf(url: string): string {
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
