// What may be done in one place only: a fault of a kind is mended where the kind is decided, and this
// holds new code to that place. `npm run check` runs it; it prints each line that goes past a door.

import { globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A thing that is done in a few files alone. */
export interface Door {
  /** What is guarded, as a noun. */
  name: string;
  /** What a line of code looks like that does it; comments are not looked at. */
  pattern: RegExp;
  /** Files (of the repository) that may: the door itself. A name that ends in / is a folder. */
  only: readonly string[];
  /** The folder of src/ that it guards, where that is not all of it; ends in /. */
  within?: string;
  /** What others do instead. */
  instead: string;
  /** A line that must be found. */
  example: string;
}

export const doors: readonly Door[] = [
  {
    name: "SQLite's lock",
    pattern: /BEGIN EXCLUSIVE|\bnode:sqlite\b/,
    only: ['src/host/lock.ts', 'src/host/keeper.ts'],
    instead: 'lock by withLock or tryLock of src/host/lock.ts',
    example: "database.exec('BEGIN EXCLUSIVE');",
  },
  {
    name: 'starting programs',
    pattern: /\bnode:child_process\b/,
    only: [
      'src/host/process.ts',
      'src/host/keeper.ts',
      'src/image/sources/program-output.ts',
      'src/image/unpack-program.ts', // bytes through xz or bzip2, which go on as they are read
      'src/cli/node-version.ts', // before anything else of the program is there
    ],
    instead: "run it by the host's `run`, within a limit",
    example: "import { spawn } from 'node:child_process';",
  },
  {
    name: 'programs without a limit',
    pattern: /\blimit: 'none'/,
    only: [
      'src/nix/realise.ts', // builds, which have settings of Nix for their time
      // these are watched by their signs of life
      'src/nix/evaluate.ts',
      'src/caches/cachix-daemon.ts',
      'src/caches/binary-cache.ts',
    ],
    instead: 'give it a limit of src/host/limits.ts (`patience`)',
    example: "await host.run({ file: 'ssh', args, limit: 'none' });",
  },
  {
    name: 'time limits',
    pattern: /\bAbortSignal\.timeout\((?!patience\b)/,
    only: ['src/caches/failing.ts'], // which is given it
    instead: 'take the limit from src/host/limits.ts (`patience`)',
    example: 'const limit = AbortSignal.timeout(5_000);',
  },
  {
    name: 'who the user is',
    pattern: /\b(userInfo|homedir)\(/,
    only: ['src/host/user.ts'],
    instead: 'ask src/host/user.ts, which knows users without an account',
    example: 'const { uid } = userInfo();',
  },
  {
    name: 'temporary folders',
    pattern: /\btmpdir\(|RUNNER_TEMP (\?\?|\|\|)(?!=)/,
    only: ['src/host/temporary.ts'],
    instead: 'use newTemporaryFolder or temporaryParent of src/host/temporary.ts',
    example: "const folder = await mkdtemp(join(env.RUNNER_TEMP ?? tmpdir(), 'x-'));",
  },
  {
    name: 'proxies',
    pattern: /\benv\.(https?|all|no)_proxy\b|\bproxyEnv\b/i,
    only: ['src/host/http/proxy.ts', 'src/host/http/connection.ts'],
    instead: 'ask proxyFor of src/host/http/proxy.ts',
    example: 'const agent = new https.Agent({ proxyEnv: env });',
  },
  {
    name: "Nix's own settings",
    pattern: /'show-config'|'config', 'show'/,
    only: ['src/nix/conf.ts'],
    instead:
      'ask by readConf of src/nix/conf.ts, whose answer has tokens in clear and is shown nowhere',
    example: "runNix(nix, 'nix', ['show-config', '--json'])",
  },
  {
    name: 'trust of the store',
    pattern: /'store', '(info|ping)'/,
    only: ['src/nix/store-answer.ts'],
    instead: 'ask by askStore of src/nix/store-answer.ts, which knows what each version says',
    example: "runNix(nix, 'nix', ['store', 'info'])",
  },
  {
    name: "Nix's version",
    pattern: /args: \['--version'\]/,
    only: ['src/nix/nix.ts'],
    instead: 'find a Nix by findNix or nixIn, which tell one with broken settings from none',
    example: "host.run({ file: 'nix', args: ['--version'] })",
  },
  {
    name: 'logins of netrc files',
    pattern: /\bmachine .*\bpassword\b/,
    only: ['src/caches/netrc.ts'],
    instead: "read and write them by src/caches/netrc.ts, which has curl's rules",
    example: "const line = ['machine a password b'];",
  },
  {
    name: "the token of a job's GitHub",
    pattern: /'ghcr\.io'.*[tT]oken|[tT]oken.*'ghcr\.io'|host: 'github\.com'|`github\.com=/,
    only: ['src/host/github-server.ts'],
    instead: 'ask githubServer of src/host/github-server.ts whom the token is for',
    example: "if (registry === 'ghcr.io' && token) use(token);",
  },
  {
    name: "the command line's output",
    pattern:
      /\bprocess\.(stdout|stderr)\b|\b(stdout|stderr)\b[^;]*\} = process\b|\bconsole\.|\/dev\/std(out|err)|\bwriteSync\([12],|node:process/,
    // what libraries print is caught in the second; the third speaks to this program alone
    // and the last has an image written to what the user named /dev/stdout
    only: [
      'src/cli/printer.ts',
      'src/host/overhear.ts',
      'src/host/keeper.ts',
      'src/host/output-file.ts',
    ],
    instead: 'hand results and events to the face, which prints by src/cli/printer.ts',
    example: 'process.stderr.write(text);',
  },
  {
    name: "the action's output",
    pattern: /@actions\/core/,
    only: ['src/action/toolkit.ts'],
    instead: 'hand results and events to the face, which prints by src/action/toolkit.ts',
    example: "import * as core from '@actions/core';",
  },
  {
    name: 'libraries that print by themselves',
    pattern: /['"]@actions\/(?!core['"])/,
    only: [
      'src/caches/github/service.ts',
      'src/nix/install/tool-cache.ts',
      'src/nix/install/privileged.ts',
    ],
    instead:
      'use what is there; a new place takes what they print by overhear of src/host/overhear.ts',
    example: "await import('@actions/tool-cache');",
  },
  {
    name: "GitHub's API",
    pattern: /['"]@octokit\//,
    only: ['src/host/github-api.ts'],
    instead: 'open it by openGitHub of src/host/github-api.ts, over connections of this program',
    example: "const { Octokit } = await import('@octokit/rest');",
  },
  {
    name: 'the state between the phases of a step',
    pattern: /\b(saveState|getState)\(/,
    only: ['src/action/private-folder.ts', 'src/action/toolkit.ts'],
    instead: 'let AfterState carry it, in the private file of src/action/private-folder.ts',
    example: "toolkit.saveState('after', json);",
  },
  {
    name: 'whose code runs',
    pattern: /\bGITHUB_(EVENT_NAME|EVENT_PATH|HEAD_REF)\b/,
    only: ['src/inputs/context.ts'],
    instead: 'ask the context: src/inputs/events.ts judges the run',
    example: "if (env.GITHUB_EVENT_NAME === 'push') save();",
  },
  {
    name: 'output that programs write by themselves',
    pattern: /['"]inherit['"]/,
    // there it is this program again
    only: ['src/cli/node-version.ts'],
    instead: "run programs by the host's run, which gives what they print",
    example: "spawn(file, { stdio: 'inherit' });",
  },
  {
    name: 'files that an image may be made of',
    pattern: /\b(node:fs|openSync|createReadStream)\b/,
    only: ['src/image/sources/source-files.ts'],
    within: 'src/image/sources/',
    instead: 'open by SourceFiles of src/image/sources/source-files.ts',
    example: "import { open } from 'node:fs/promises';",
  },
  {
    name: 'an image of others',
    pattern:
      /\b(archiveFile|nix2container|ociLayout|streamLayeredImage)\(|\bfileEntry\(|\bstoreEntries\(/,
    only: ['src/image/'],
    instead: 'open it by openSource of src/image/sources/detect.ts, or pack by storeBlobSource',
    example: 'const image = await ociLayout(files, packing);',
  },
  {
    name: 'changing files of others',
    pattern:
      /\bappendFile\w*\(|\b(run\w*|must|attempt|asRoot)\((hands, )?['"](mv|cp|tee|ln|sed|install)['"]/,
    only: ['src/host/foreign-file.ts', 'src/host/hands.ts', 'src/nix/install/'],
    instead:
      'change them by changeForeignFile of src/host/foreign-file.ts, and put ours by placeFile',
    example: "await runPrivileged('mv', [fresh, '/etc/nix/nix.conf']);",
  },
  {
    name: 'writing where Nix and ssh read',
    pattern: /\b(writeFile|rename|copyFile|symlink|createWriteStream)\(/,
    // the other rooms write what is theirs: images, records, locks of wheels, folders of a run
    only: [
      ...[
        'action',
        'audit',
        'caches',
        'cli',
        'commands',
        'host',
        'image',
        'registry',
        'wheels',
      ].map(room => `src/${room}/`),
      'src/nix/install/',
    ],
    instead: 'write by writeConf, setSshAliases or trustUsers, whose files runs share',
    example: "await rename(fresh, join(home, '.config/nix/nix.conf'));",
  },
  {
    name: "ending or starting somebody's daemon",
    pattern: /['"`](kill|pkill|killall|setsid|systemctl)['"`]\s*[,\]]/,
    only: ['src/nix/daemon.ts'],
    instead: 'have Nix’s daemon read its settings by trustUsers of src/nix/daemon.ts',
    example: "await asRoot('kill', [String(daemon.pid)]);",
  },
  {
    name: 'logins in addresses',
    pattern: /\.(?:username|password) = ''|\[\^[^\]]*@[^\]]*\]\*@|:\/\/\.\*@/,
    only: ['src/host/http/address.ts'],
    instead: 'withoutLogin, shownAddress or urlWithoutLogin of src/host/http/address.ts',
    example: "at.password = '';",
  },
  {
    name: 'addresses in a registry',
    pattern: /\/v2\/|`\/?(?:blobs|manifests)\/\$\{/,
    only: ['src/registry/client.ts', 'src/registry/origin.ts', 'src/image/'],
    instead:
      'blobUrl, manifestUrl or uploadsUrl of src/registry/client.ts, which check what is named',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a line of code
    example: 'const url = new URL(`/v2/${repository}/x`, origin);',
  },
  {
    name: 'documents of images',
    pattern: /\bas (?:unknown as )?(?:Partial<)?(?:Manifest|Descriptor)\b/,
    only: ['src/image/oci/documents.ts', 'src/registry/archive.ts'],
    instead: 'findManifest, readManifest or readConfig of src/image/oci/documents.ts',
    example: 'const manifest = JSON.parse(text) as Manifest;',
  },
  {
    name: 'digests',
    pattern: /sha256:\[0-9a-f\]/,
    only: ['src/image/digest.ts', 'src/record/fields.ts'],
    instead: 'isDigest or checkedDigest of src/image/digest.ts',
    example: 'const digest = /^sha256:[0-9a-f]{64}$/;',
  },
  {
    name: 'numbers in headers',
    pattern: /\bNumber(?:\.parse\w+)?\([^)]*header\(|parseInt\([^)]*header\(/,
    only: ['src/host/http/message.ts'],
    instead: 'headerNumber or wholeNumber of src/host/http/message.ts, with a limit',
    example: "const size = Number(header(answer, 'content-length'));",
  },
  {
    name: 'ownership by the number of a process',
    pattern: /\bprocess\.(?:pid|kill)\b/,
    only: [],
    instead: 'hold a lock of src/host/lock.ts: other containers count processes of their own',
    example: 'const folder = join(parent, String(process.pid));',
  },
  {
    name: 'files that this user alone may read',
    pattern: /\bmode: 0o600\b|, 0o600\)/,
    // a lock, and what `main` leaves for `post`, which is written once
    only: ['src/host/whole-file.ts', 'src/host/partial-files.ts', 'src/action/private-folder.ts'],
    instead: 'write by writePrivate of src/host/whole-file.ts: an older file would keep its mode',
    example: 'await writeFile(file, secret, { mode: 0o600 });',
  },
  {
    name: 'whether a file is there',
    pattern:
      /\b(?:l?stat|access|readdir)\(.*\)\.(?:catch|then)\((?!unlessMissing)|\baccess\([^;]*\)\.then\($/,
    only: ['src/host/'],
    instead:
      'ask src/host/presence.ts, or let unlessMissing tell what is missing from other errors',
    example: 'const found = await stat(file).catch(() => undefined);',
  },
  {
    name: 'several signals in one',
    pattern: /\bAbortSignal\.any\(/,
    only: ['src/host/signals.ts'],
    instead: 'join them by eitherSignal of src/host/signals.ts',
    example: 'const either = AbortSignal.any([signal, limit]);',
  },
  {
    name: 'connections and their retries',
    pattern: /\bopenConnection\(|\bretrying\(|\busualRetries\(|'node:https?'/,
    only: ['src/host/http/'],
    instead: 'open by openHttp of src/host/http/client.ts, with what differs as its options',
    example: 'const send = retrying(openConnection(env).send, usualRetries(clock));',
  },
  {
    name: 'files that the user named',
    pattern: /\b(?:writeFile|createWriteStream|appendFile|copyFile|rename)\(|\bopen\(.*'[aw]/,
    // these write what is theirs by its place: settings, state, folders of a layout, downloads
    only: [
      'src/action/',
      'src/caches/',
      'src/commands/setup/',
      'src/host/',
      'src/nix/',
      'src/registry/layout-index.ts',
      'src/registry/layout.ts',
      'src/wheels/download.ts',
      'src/wheels/partial-downloads.ts',
      'src/wheels/resolve/question.ts',
    ],
    instead: 'write by writeOutput or openOutput of src/host/output-file.ts',
    example: 'await writeFile(settings.recordFile, text);',
  },
];

/** A line that goes past a door. */
export interface Passage {
  door: Door;
  file: string;
  line: number;
}

/** Lines of a file that go past a door. */
export function passages(file: string, text: string): Passage[] {
  const closed = doors.filter(
    ({ only, within = 'src/' }) =>
      file.startsWith(within) && !only.some(each => isWithin(file, each)),
  );
  return text.split('\n').flatMap((line, at) => {
    if (/^\s*(\/\/|\/?\*)/.test(line)) return [];
    const passed = closed.filter(({ pattern }) => pattern.test(line));
    return passed.map(door => ({ door, file, line: at + 1 }));
  });
}

const isWithin = (file: string, place: string) =>
  place.endsWith('/') ? file.startsWith(place) : file === place;

const root = fileURLToPath(new URL('..', import.meta.url));

/** All lines of src/ that go past a door. */
export function allPassages(): Passage[] {
  return globSync('src/**/*.ts', { cwd: root }).flatMap(file =>
    passages(file, readFileSync(new URL(file, new URL('../', import.meta.url)), 'utf8')),
  );
}

if (
  process.argv[1] !== undefined &&
  relative(fileURLToPath(import.meta.url), process.argv[1]) === ''
) {
  const found = allPassages();
  for (const { door, file, line } of found) {
    console.error(`${file}:${line}: past the door of ${door.name}: ${door.instead}.`);
  }
  process.exitCode = found.length === 0 ? 0 : 1;
}
