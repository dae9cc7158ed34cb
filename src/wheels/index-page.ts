import { Unreachable } from '../host/http/message.ts';
import { limits } from '../host/limits.ts';
import { fileNameOf } from './wheel-name.ts';

/** A file as an index or a release offers it. */
export interface OfferedFile {
  filename: string;
  /** Absolute, without a fragment. */
  url: string;
  /** Hex. */
  sha256?: string | undefined;
  /** Bytes. */
  size?: number | undefined;
  yanked?: boolean | undefined;
  requiresPython?: string | undefined;
  /** The wheel's METADATA as a file of its own (PEP 658, 714), and its sha256 where it is told. */
  metadata?: { url: string; sha256: string | undefined } | undefined;
}

/** What an index or a release offers of a project. */
export type Listing =
  | {
      kind: 'files';
      files: readonly OfferedFile[];
      /** As the lock writes it: the index, or `github:owner/repo@tag`. */
      source: string;
    }
  /** It has no such project or release; why, as a sentence. */
  | { kind: 'absent'; reason: string }
  /** It did not tell; why, as a sentence. */
  | { kind: 'unreachable'; reason: string };

/** What an index may answer with, the better first. */
export const acceptedPages =
  'application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/**
 * The files that a project's page lists: JSON (PEP 691, 700) or HTML (PEP 503, 592, 658).
 * @param url where the page is, for relative addresses
 * @throws Unreachable where it is no such page: servers answer errors and logins as HTML, with 200
 */
export async function readIndexPage(
  page: string,
  contentType: string,
  url: string,
): Promise<OfferedFile[]> {
  return contentType.includes('json') ? readJson(page, url) : readHtml(page, url);
}

function readJson(page: string, url: string): OfferedFile[] {
  let files: unknown;
  try {
    ({ files } = JSON.parse(page) as { files?: unknown });
  } catch (cause) {
    throw noIndexPage(url, 'it is no JSON', cause);
  }
  if (!Array.isArray(files)) throw noIndexPage(url, 'it has no list of files');
  if (files.length > limits.indexFiles) throw tooMuch(url, 'files');
  return files.flatMap((entry: unknown) => readJsonFile(Object(entry), url) ?? []);
}

function readJsonFile(file: Record<string, unknown>, page: string): OfferedFile | undefined {
  const { filename, size, yanked } = file;
  if (typeof filename !== 'string' || typeof file.url !== 'string') return undefined;
  const url = absolute(file.url, page);
  if (url === undefined) return undefined;
  const requires = file['requires-python'];
  return {
    filename,
    url: url.href,
    sha256: readSha256(Object(file.hashes).sha256),
    size: Number.isSafeInteger(size) && Number(size) >= 0 ? Number(size) : undefined,
    yanked: yanked !== undefined && yanked !== false,
    requiresPython: typeof requires === 'string' ? requires : undefined,
    metadata: metadataOf(url, file['core-metadata'] ?? file['dist-info-metadata']),
  };
}

/** An answer that is no page of an index is told by its title. */
interface HtmlPage {
  files: OfferedFile[];
  isIndex: boolean;
  title: string;
}

async function readHtml(text: string, url: string): Promise<OfferedFile[]> {
  const { files, isIndex, title } = await parseHtml(text, url);
  if (isIndex) return files;
  const shown = title.trim().slice(0, 100);
  throw noIndexPage(url, shown ? `it is an HTML page titled "${shown}"` : 'it lists no file');
}

async function parseHtml(text: string, url: string): Promise<HtmlPage> {
  // loaded on use: most indexes answer in JSON
  const { Parser } = await import('htmlparser2');
  const page: HtmlPage = { files: [], isIndex: false, title: '' };
  let base = url;
  let open: string[] = [];
  let attributeCount = 0;
  const parser = new Parser({
    onopentagname() {
      attributeCount = 0;
    },
    onattribute() {
      attributeCount += 1;
      if (attributeCount > limits.htmlAttributes) throw tooMuch(url, 'attributes of an element');
    },
    onopentag(name, attributes) {
      open.push(name);
      // each end of an element is looked for in all that are open
      if (open.length > limits.htmlDepth) throw tooMuch(url, 'levels of elements');
      if (name === 'base' && attributes.href) base = absolute(attributes.href, url)?.href ?? base;
      if (name === 'meta') page.isIndex ||= attributes.name === 'pypi:repository-version';
      const file = name === 'a' ? readAnchor(attributes, base) : undefined;
      if (file === undefined) return;
      page.isIndex ||= /\.(whl|zip|tar\.gz|tar\.bz2|egg)$/.test(file.filename);
      page.files.push(file);
      if (page.files.length > limits.indexFiles) throw tooMuch(url, 'files');
    },
    ontext(part) {
      if (open.at(-1) === 'title' && page.title.length < 200) page.title += part;
    },
    onclosetag(name) {
      open = open.slice(0, Math.max(0, open.lastIndexOf(name)));
    },
  });
  parser.end(text);
  return page;
}

function readAnchor(attributes: Record<string, string>, base: string): OfferedFile | undefined {
  const url = attributes.href === undefined ? undefined : absolute(attributes.href, base);
  if (url === undefined) return undefined;
  const fragment = new URLSearchParams(url.hash.slice(1));
  url.hash = '';
  const metadata = attributes['data-core-metadata'] ?? attributes['data-dist-info-metadata'];
  return {
    filename: fileNameOf(url.href),
    url: url.href,
    sha256: readSha256(fragment.get('sha256')),
    yanked: 'data-yanked' in attributes,
    requiresPython: attributes['data-requires-python'],
    metadata: metadataOf(url, metadata),
  };
}

/** `true`, "sha256=…" or `{ sha256 }` say that the wheel's METADATA lies beside it. */
function metadataOf(url: URL, told: unknown): OfferedFile['metadata'] {
  if (told === undefined || told === null || told === false || told === 'false') return undefined;
  const hex = typeof told === 'string' ? told.replace(/^sha256=/, '') : Object(told).sha256;
  const beside = new URL(url);
  beside.pathname += '.metadata';
  return { url: beside.href, sha256: readSha256(hex) };
}

function readSha256(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

function absolute(href: string, base: string): URL | undefined {
  if (!URL.canParse(href, base)) return undefined;
  const url = new URL(href, base);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

/** More than any index has. */
const tooMuch = (url: string, what: string) => noIndexPage(url, `it has too many ${what}`);

function noIndexPage(url: string, why: string, cause?: unknown): Unreachable {
  return new Unreachable(`${url} is no page of a package index: ${why}.`, {
    next: 'Check the index in wheels.toml; behind a proxy or a login page, the network.',
    cause,
  });
}
