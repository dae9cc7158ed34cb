const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes as people read them, in decimal units with three digits: "0 B", "12.3 MB", "1.24 GB". */
export function formatBytes(bytes: number): string {
  const power = powerOf(bytes);
  const value = bytes / 1000 ** power;
  const digits = power === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[power]}`;
}

/** A part of a number of bytes, in the unit of all of it: "180 of 640 MB", "0.2 of 1.24 GB". */
export function formatPart(bytes: number, of: number): string {
  const power = powerOf(of);
  const value = bytes / 1000 ** power;
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} of ${formatBytes(of)}`;
}

/** By which power of 1000 it is divided: what would round to four digits belongs to the next unit. */
const powerOf = (bytes: number): number =>
  bytes < 1000
    ? 0
    : units.findLastIndex((_, power) => power === 1 || bytes / 1000 ** (power - 1) >= 999.5);

/** Seconds that something will take, roughly: "about 40 s", "about 3 min", "about 1 h 10 min". */
export function formatLeft(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(1, Math.ceil(seconds / 5)) * 5} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  const tens = Math.round(minutes / 10);
  return `about ${Math.floor(tens / 6)} h ${pad((tens % 6) * 10)} min`;
}

/** Seconds as people read them: "0 s", "0.04 s", "3.2 s", "42 s", "3 min 05 s", "1 h 02 min". */
export function formatSeconds(seconds: number): string {
  if (seconds < 10 && Number.isInteger(seconds)) return `${seconds} s`;
  if (seconds < 0.095) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${pad(whole % 60)} s`;
  const all = Math.round(whole / 60);
  return `${Math.floor(all / 60)} h ${pad(all % 60)} min`;
}

/** The same where only the size of it matters: "41 s", "9 min", "1 h 05 min". */
export function formatRoughly(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 60) return formatSeconds(Math.round(seconds));
  return minutes < 60 ? `${minutes} min` : formatSeconds(minutes * 60);
}

/** A moment of RFC 3339 to the minute: "2026-11-26 02:43 UTC". */
export const formatMoment = (moment: string): string =>
  `${moment.slice(0, 16).replace('T', ' ')} UTC`;

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** A store path without the store and the hash: "python3-3.13.1.drv" becomes "python3-3.13.1". */
export function storeName(path: string): string {
  const base = path.slice(path.lastIndexOf('/') + 1);
  return base.replace(/^[0-9a-z]{32}-/, '').replace(/\.drv$/, '');
}

/** "1 layer", "3 layers". */
export const plural = (number: number, one: string, many = `${one}s`): string =>
  `${number} ${number === 1 ? one : many}`;
