import { limits } from '../../host/limits.ts';
import { parseRequirement } from '../requirements.ts';
import { parseArchiveName } from '../sources/archive-name.ts';
import { isArchive } from '../wanted/source.ts';
import { fileNameOf, normalizeName, parseWheelName } from '../wheel-name.ts';
import type { Asked, AskedSource } from './asked.ts';

/** What a line of a requirements list means. */
export type LineMeaning =
  | { kind: 'requirement'; asked: Asked }
  | { kind: 'source'; source: AskedSource }
  /** Another list, by its path from this one. */
  | { kind: 'list'; file: string; constrains: boolean }
  /** One more index. */
  | { kind: 'index'; url: string }
  /** Something that holds here anyway. */
  | { kind: 'nothing' }
  /** Why it cannot be taken and what to write instead, as sentences. */
  | { kind: 'problem'; why: string };

/** Reads a line; `place` is "pak3.txt:12". */
export function meaningOf(text: string, place: string): LineMeaning {
  if (/\$\{\w+\}/.test(text)) {
    return problem('environment variables differ between machines; write what it stands for.');
  }
  if (/\/\/[^/\s]*:[^/\s]*@/.test(text)) {
    return problem('it holds a password; take it out, and put the login into ~/.netrc.');
  }
  return text.startsWith('-') ? option(text) : requirement(text, place);
}

const problem = (why: string): LineMeaning => ({ kind: 'problem', why });

/** Options that say what is done here in any case. */
const needless = [
  ...['--prefer-binary', '--only-binary', '--require-hashes', '--trusted-host', '--use-feature'],
  ...['--no-cache-dir', '--upgrade', '-U'],
];

function option(text: string): LineMeaning {
  const [, name = '', value = ''] = /^(--[\w-]+|-\w)\s*=?\s*(.*)$/.exec(text) ?? [];
  const file = value.replace(/^["']|["']$/g, '');
  switch (name) {
    case '-r':
    case '--requirement':
      return anotherList(file, false);
    case '-c':
    case '--constraint':
      return anotherList(file, true);
    case '--extra-index-url':
      if (!/^https?:\/\/\S+$/.test(file)) return problem('it is no address of an index.');
      return { kind: 'index', url: file.replace(/\/+$/, '') };
    case '-i':
    case '--index-url':
      return problem(`write package-index = "${file}" into wheels.toml, and delete the line.`);
    case '-e':
    case '--editable':
      return problem('the image has no folder to work in; write what follows -e without it.');
    case '-f':
    case '--find-links':
      return problem('name the file itself, as NAME @ https://…whl.');
    default:
      if (needless.includes(name)) return { kind: 'nothing' };
      return problem(`${name} is not known here; delete the line.`);
  }
}

function anotherList(file: string, constrains: boolean): LineMeaning {
  if (/^[a-z]+:\/\//i.test(file)) {
    return problem('a list at an address may change; put the file beside this one.');
  }
  return { kind: 'list', file, constrains };
}

function requirement(whole: string, place: string): LineMeaning {
  const { text, hashes, rest } = withoutOptions(whole);
  if (rest !== undefined) {
    return problem(`${rest} is for what is built from source; delete it.`);
  }
  if (text.length > limits.requirement) return problem('it is longer than any requirement.');
  const [, , bare = text] = /^([\w.-]+)(?:\[[^\]]*\])? ?@ ?(\S.*)$/.exec(text) ?? [];
  if (/^(git|hg|svn|bzr)[+:]/.test(bare)) return repository(text, bare, place);
  if (isPath(bare)) {
    return problem('a file of one machine; name it by an address, NAME @ https://…whl.');
  }
  const named = /^https?:/.test(text) ? nameOfAddress(text) : text;
  const written = named === undefined ? undefined : parseRequirement(named);
  if (written === undefined) {
    return problem('it is no requirement, such as "name>=1.0,<2" or "name[extra]==1.0".');
  }
  const asked: Asked = { ...written, place, text, hashes };
  return written.url === undefined ? { kind: 'requirement', asked } : direct(asked, written.url);
}

/** `--hash=sha256:…` belongs to pip's lists alone. */
function withoutOptions(whole: string) {
  const [text = '', ...options] = whole.split(/\s+(?=--[a-z])/);
  const hashes = options.flatMap(each => /^--hash[= ]sha256:([0-9a-f]{64})$/.exec(each)?.[1] ?? []);
  const rest = options.find(each => !/^--hash[= ]/.test(each));
  return { text, hashes, rest };
}

const isPath = (text: string) =>
  /^(file:|\.{0,2}\/|~)/.test(text) || /^[\w./-]+\.(whl|zip|tar\.gz)$/.test(text);

/** Stands for the name of a file that does not tell it. */
const unnamed = 'unnamed';

/** A wheel says its name itself, and so do source archives of indexes. */
function nameOfAddress(text: string): string | undefined {
  const [address = '', ...marker] = text.split(/ ; ?/);
  if (!URL.canParse(address)) return undefined;
  const filename = fileNameOf(address);
  const { project } = parseWheelName(filename) ?? parseArchiveName(filename) ?? {};
  return [`${project ?? unnamed} @ ${address}`, ...marker].join(' ; ');
}

function direct(asked: Asked, url: string): LineMeaning {
  if (!/^https?:/.test(url) || !URL.canParse(url)) return problem('it is no address of a wheel.');
  const address = new URL(url);
  const [, told] = /(?:^|&)sha256=([0-9a-f]{64})/.exec(address.hash.slice(1)) ?? [];
  address.hash = '';
  const wheel = parseWheelName(fileNameOf(address.href));
  if (wheel === undefined) return archive(asked, address.href, told ?? asked.hashes[0]);
  if (wheel.project !== asked.name) {
    return problem(`the file is ${wheel.project}'s; write ${wheel.project} @ …`);
  }
  const hashes = told === undefined ? asked.hashes : [...asked.hashes, told];
  return { kind: 'requirement', asked: { ...asked, url: address.href, hashes } };
}

function archive({ name, place }: Asked, url: string, sha256: string | undefined): LineMeaning {
  if (!isArchive(url)) return problem('it is neither a wheel nor a source archive.');
  if (name === unnamed)
    return problem('the file does not tell its project; write NAME @ before it.');
  return { kind: 'source', source: { kind: 'archive', name, place, from: { url, sha256 } } };
}

function repository(text: string, address: string, place: string): LineMeaning {
  if (!/^git\+(https?|ssh|git|file):\/\//.test(address)) {
    return problem('of repositories only Git ones are taken, as git+https://…@REVISION.');
  }
  const url = URL.parse(address.slice('git+'.length).split(' ')[0] ?? '');
  if (url === null) return problem('it is no address.');
  const fragment = new URLSearchParams(url.hash.slice(1));
  if (fragment.has('subdirectory')) {
    return problem(
      'only a part of the repository; name it under [sources] of wheels.toml, say in ' +
        'layers/4-sources.nix which folder is built, and delete the line.',
    );
  }
  url.hash = '';
  const [, path = url.pathname, ref = 'HEAD'] = /^(.*[^/])@([^/@].*)$/.exec(url.pathname) ?? [];
  url.pathname = path;
  const [, given] = /^([\w.-]+?)(?:\[[^\]]*\])? ?@ ?git\+/.exec(text) ?? [];
  const last =
    path
      .split('/')
      .at(-1)
      ?.replace(/\.git$/, '') ?? '';
  const name = normalizeName(given ?? fragment.get('egg') ?? last);
  const asked = { isPackage: true, isAsked: true };
  const source = { kind: 'git' as const, name, url: url.href, ref, place, ...asked };
  return { kind: 'source', source };
}
