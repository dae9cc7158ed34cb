import { join } from 'node:path';
import type { Host } from '../host/host.ts';
import { withHttp } from '../host/http/client.ts';
import { limits, patience } from '../host/limits.ts';
import { isThere } from '../host/presence.ts';
import { eitherSignal } from '../host/signals.ts';
import { readConf } from '../nix/conf.ts';
import type { Nix } from '../nix/types.ts';
import { baseOf } from './files-of.ts';
import { basicAuthorization, loginFor } from './logins.ts';
import { readNetrc } from './netrc.ts';

/** Whether a cache says that it has the store path of this hash; false as well where it does not answer. */
type Has = (cache: string, hash: string) => Promise<boolean>;

/**
 * Store path → the first of Nix's caches, in their order, that has it. Those that cannot be asked, and
 * paths that none has, are left out. Rejects with a `Failure` where Nix does not tell its settings.
 */
export async function findCaches(
  nix: Nix,
  paths: readonly string[],
  host: Host,
): Promise<ReadonlyMap<string, string>> {
  if (paths.length === 0) return new Map();
  const conf = await readConf(nix);
  const netrc = await readNetrc(conf.text('netrc-file'));
  const caches = conf.list('substituters');
  return withHttp(host, async http => {
    const signal = eitherSignal(AbortSignal.timeout(patience.substituters), host.signal);
    const has: Has = async (cache, hash) => {
      const file = `${hash}.narinfo`;
      if (/^file:/i.test(cache)) return isThere(join(new URL(cache).pathname, file));
      if (!/^https?:/i.test(cache) || !URL.canParse(cache)) return false;
      const login = loginFor(new URL(cache), netrc);
      const answer = http.exchange({
        method: 'GET',
        url: new URL(`${baseOf(cache)}${file}`),
        headers: login === undefined ? {} : { authorization: basicAuthorization(login) },
        answerLimit: limits.cacheAnswer,
        retry: false,
        signal,
      });
      return answer.then(
        ({ status }) => status === 200,
        () => false,
      );
    };
    const found = await Promise.all(
      paths.map(async path => [path, await first(path, caches, has)]),
    );
    host.signal?.throwIfAborted();
    return new Map(found.filter((each): each is [string, string] => each[1] !== undefined));
  });
}

/** All are asked at once: who answers first need not be who is asked first by Nix. */
async function first(path: string, caches: readonly string[], has: Has) {
  const [, hash = ''] = /([0-9a-z]{32})-[^/]*$/.exec(path) ?? [];
  const answers = await Promise.all(caches.map(cache => has(cache, hash)));
  return caches.find((_, at) => answers[at]);
}
