import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocument } from '../../host/document-file.ts';
import { Failure } from '../../host/failure.ts';
import type { Host } from '../../host/host.ts';
import { Unreachable } from '../../host/http/message.ts';
import { lastLines } from '../../host/last-lines.ts';
import { patience } from '../../host/limits.ts';
import { namedAt } from '../../host/presence.ts';
import type { Finished } from '../../host/process.ts';
import { eitherSignal } from '../../host/signals.ts';
import type { GitPin, SourcePin } from '../lock.ts';
import { narHash } from '../nar.ts';
import type { WantedGit } from '../wanted/source.ts';
import { needsOfNode, needsOfPackage, type SourceNeeds, type SourceTexts } from './needs.ts';

/** Settings that make a checkout the same on every machine, and ask nobody for anything. */
const settings = [
  ...['-c', 'core.autocrlf=false', '-c', 'core.symlinks=true', '-c', 'core.hooksPath=/dev/null'],
  ...[
    '-c',
    'filter.lfs.smudge=cat',
    '-c',
    'filter.lfs.process=',
    '-c',
    'filter.lfs.required=false',
  ],
  ...['-c', 'advice.detachedHead=false', '-c', 'init.defaultBranch=main'],
  ...['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=30'],
];
const environment = {
  GIT_TERMINAL_PROMPT: '0',
  // `ext::` addresses would run programs
  GIT_ALLOW_PROTOCOL: 'https:http:ssh:git:file',
  GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=5',
};

/**
 * Pins a Git source by its commit and the NAR hash of its checkout (without `.git`, submodules and
 * LFS files), which is the hash that `fetchgit` and `fetchFromGitHub` take. Where the reference is
 * where the lock has it, nothing is fetched.
 * Rejects with {@link Unreachable} where the server does not answer, and with a {@link Failure} where
 * it has no such reference or a tag was moved.
 */
export async function pinSource(
  source: WantedGit,
  before: SourcePin | undefined,
  temporaryDirectory: string,
  host: Host,
): Promise<GitPin> {
  const { rev, isTag } = await resolveRef(source, host);
  const { url, ref } = source;
  const known = knownCheckout(source, before);
  if (known !== undefined && known.rev === rev && known.digest !== 'unconfirmed') return known;
  if (isTag && known !== undefined && known.rev !== rev) throw movedTag(source, known, rev);
  const { hash, texts } = await readCheckout(url, rev, temporaryDirectory, host);
  return { url, ref, rev, hash, digest: 'download', ...needsOf(source, texts) };
}

/** The lock's pin, where it is for this reference and tells what is asked of the source now. */
export function knownCheckout(
  { url, ref, isPackage, isAsked }: WantedGit,
  before: SourcePin | undefined,
): GitPin | undefined {
  if (before === undefined || !('rev' in before)) return undefined;
  const tells = [before.buildRequires !== undefined, before.requires !== undefined];
  const isSame = before.url === url && before.ref === ref;
  return isSame && tells[0] === isPackage && tells[1] === isAsked ? before : undefined;
}

function needsOf({ isPackage, isAsked }: WantedGit, texts: SourceTexts): Partial<SourceNeeds> {
  if (isPackage) return needsOfPackage(texts);
  return isAsked ? { requires: needsOfNode(texts) } : {};
}

/** A commit's files. */
interface Checkout {
  /** SRI sha256 of their NAR. */
  hash: string;
  texts: SourceTexts;
}

/** The NAR hash of a commit's files, and what they say of what it needs. */
export async function readCheckout(
  url: string,
  rev: string,
  temporaryDirectory: string,
  host: Host,
): Promise<Checkout> {
  const folder = await mkdtemp(join(temporaryDirectory, 'source-'));
  const inFolder = (...args: string[]) => succeed(git(host, ['-C', folder, ...args]), url);
  try {
    await inFolder('init', '--quiet', '--template=');
    await inFolder('fetch', '--quiet', '--depth=1', '--no-tags', '--', url, rev);
    await inFolder('checkout', '--quiet', 'FETCH_HEAD');
    await rm(join(folder, '.git'), { recursive: true });
    const [project, setup, list] = await Promise.all(
      ['pyproject.toml', 'setup.cfg', 'requirements.txt'].map(name => ownText(join(folder, name))),
    );
    return { hash: await narHash(folder), texts: { project, setup, list } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The text of a file of the checkout; a link of it may lead anywhere on this machine. */
async function ownText(file: string): Promise<string | undefined> {
  const isFile = (await namedAt(file))?.isFile() ?? false;
  return isFile ? readDocument(file) : undefined;
}

/** The commit of a tag, a branch, or a commit that is named itself. */
async function resolveRef(
  { name, url, ref }: WantedGit,
  host: Host,
): Promise<{ rev: string; isTag: boolean }> {
  if (/^[0-9a-f]{40}$/.test(ref)) return { rev: ref, isTag: false };
  const limit = AbortSignal.timeout(patience.gitReferences);
  const signal = eitherSignal(host.signal, limit);
  const asking = git({ ...host, signal }, ['ls-remote', '--', url, ref, `${ref}^{}`]);
  const said = await succeed(asking, url).catch((error: unknown) => {
    if (!limit.aborted) throw error;
    throw new Unreachable(`${url} gave no answer in ${patience.gitReferences / 1000} s.`);
  });
  const refs = readRefs(said);
  // an annotated tag has an object of its own; `^{}` is what it points at
  const tag = refs.get(`refs/tags/${ref}^{}`) ?? refs.get(`refs/tags/${ref}`);
  const rev = tag ?? refs.get(`refs/heads/${ref}`) ?? refs.get(ref);
  if (rev !== undefined) return { rev, isTag: tag !== undefined || ref.startsWith('refs/tags/') };
  throw new Failure(`${url} has no branch or tag ${ref}, which the source ${name} is to be.`, {
    next: `Look with: git ls-remote ${url}`,
  });
}

/** Reference → commit, as `git ls-remote` tells them; what is no such line is left out. */
export function readRefs(said: string): Map<string, string> {
  const lines = [...said.matchAll(/^([0-9a-f]{40})\t(\S+)$/gm)];
  return new Map(lines.map(([, rev = '', ref = '']) => [ref, rev]));
}

/** A machine without git keeps what the lock has, as one without a network does. */
async function git(host: Host, args: readonly string[]): Promise<Finished> {
  const { signal } = host;
  try {
    return await host.run({
      ...{ file: 'git', args: [...settings, ...args], env: environment, signal },
      limit: { what: 'git to fetch a source', ms: patience.gitFetch },
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof Failure ? new Unreachable(error.message, error.details) : error;
  }
}

async function succeed(running: Promise<Finished>, url: string): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code === 0) return stdout;
  throw new Unreachable(`${url} cannot be fetched by git.`, {
    evidence: lastLines(stderr),
    next: 'Check the address and the network; a private repository needs a login of git.',
  });
}

function movedTag({ name, url, ref }: WantedGit, known: GitPin, rev: string): Failure {
  return new Failure(`The tag ${ref} of ${url} was moved. The lock was left as it is.`, {
    evidence: [`${name}: the lock has ${known.rev}, the tag is ${rev} now`],
    next:
      'Find out why before you trust it: a published tag should never move. ' +
      `If the new one is right, delete sources.${name} from the lock and run prefetch again.`,
  });
}
