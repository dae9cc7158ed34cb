import type { ConfSettings } from '../../inputs/settings.ts';
import type { EffectiveConf } from '../../nix/conf.ts';
import type { ConfLines } from '../../nix/conf-files.ts';
import { readConfText } from '../../nix/conf-text.ts';
import type { ResourceLimits } from '../../nix/resources.ts';

/** What the lines of nix.conf are made of. */
export interface ConfParts {
  conf: ConfSettings;
  /** The GitHub that the job's token is for, such as "github.com"; undefined: for none. */
  githubHost: string | undefined;
  /** What is in effect before this program says anything. */
  present: EffectiveConf;
  /** Lines about substituters. */
  substituters: readonly string[];
  /** Lines about builders. */
  builders: readonly string[];
  limits: ResourceLimits;
  /** Logins of private caches, and what is in the netrc file that Nix reads now. */
  netrc: readonly string[];
  /** Whether this run puts something into caches that it reads from. */
  pushes: boolean;
}

/**
 * The settings that this run adds. What the user has set stays, unless an input says otherwise; lines
 * of the input nix-conf come last, so that they win.
 */
export function confLines(parts: ConfParts): ConfLines {
  const { conf, present } = parts;
  const unlessSet = (name: string, value: string | number) =>
    present.knows(name) && present.isDefault(name) ? [`${name} = ${value}`] : [];
  const stated = (name: string, wish: string | undefined, value: number) =>
    wish === undefined ? unlessSet(name, value) : [`${name} = ${wish}`];
  return {
    lines: [
      'extra-experimental-features = nix-command flakes',
      ...parts.substituters,
      // a cache that does not answer costs seconds, and one that fails costs a build
      ...unlessSet('connect-timeout', 5),
      ...unlessSet('stalled-download-timeout', 15),
      ...unlessSet('download-attempts', 3),
      ...unlessSet('fallback', 'true'),
      ...unlessSet('always-allow-substitutes', 'true'),
      // a cache that lacked a path before it was pushed would be believed to lack it for an hour
      ...(parts.pushes ? unlessSet('narinfo-cache-negative-ttl', 0) : []),
      ...stated('max-jobs', conf.maxJobs, parts.limits.maxJobs),
      ...stated('cores', conf.cores, parts.limits.cores),
      ...parts.builders,
      ...(parts.netrc.length > 0 ? withoutNetrc(conf.lines) : conf.lines),
    ],
    secret: accessTokens(parts),
    netrc: parts.netrc,
  };
}

/** The file that such a line names is a part of the one that this run writes. */
function withoutNetrc(lines: readonly string[]): string[] {
  return lines.filter(line => !/^\s*netrc-file\s/.test(line));
}

/**
 * Tokens for flake inputs. The job's own is for the GitHub that runs it and for no other, and is used
 * where nobody names another for it. What the input nix-conf says has the last word.
 */
function accessTokens({ conf, present, githubHost: own }: ConfParts): string[] {
  const { lines, accessTokens: given, jobToken } = conf;
  const there = present.names('access-tokens');
  const stated = hostsIn(lines);
  const hosts = [...there, ...given.map(({ host }) => host)];
  const ofJob =
    jobToken === undefined || own === undefined || hosts.includes(own)
      ? []
      : [{ host: own, token: jobToken }];
  const all = [...ofJob, ...given].filter(({ host }) => !stated.has(host));
  if (all.length === 0) return [];
  const ours = new Map(all.map(({ host, token }) => [host, token]));
  // of two tokens for one server Nix takes the first that it reads, so that ours cannot be added then
  if (!there.some(host => ours.has(host))) return [`extra-access-tokens = ${words(ours)}`];
  return [`access-tokens = ${words(new Map([...present.table('access-tokens'), ...ours]))}`];
}

const words = (tokens: ReadonlyMap<string, string>) =>
  [...tokens].map(([host, token]) => `${host}=${token}`).join(' ');

/** Servers for which lines of nix.conf have a token. */
function hostsIn(lines: readonly string[]): ReadonlySet<string> {
  const stated = readConfText(lines.join('\n')).flatMap(line =>
    line.kind === 'setting' && /^(extra-)?access-tokens$/.test(line.name) ? [line.value] : [],
  );
  return new Set(
    stated
      .join(' ')
      .split(' ')
      .map(word => word.replace(/=.*$/, '')),
  );
}
