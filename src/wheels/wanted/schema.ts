import { valid } from '@renovatebot/pep440';
import * as v from 'valibot';
import { limits } from '../../host/limits.ts';
import { closed } from '../document.ts';
import { specifierOf } from '../versions.ts';

const text = v.string('a text');
const texts = (pattern: RegExp, expected: string) =>
  v.pipe(v.array(v.pipe(text, v.regex(pattern, expected)), 'a list'), v.minLength(1, 'an entry'));
const oneOrMore = (pattern: RegExp, expected: string) =>
  v.union([v.pipe(text, v.regex(pattern, expected)), texts(pattern, expected)], expected);

const cudaForm = [/^cu\d{3}$/, 'a CUDA such as "cu130"'] as const;
const pythonForm = [/^3\.\d+$/, 'a Python such as "3.12"'] as const;
const systemForm = [/^(x86_64|aarch64)-linux$/, '"x86_64-linux" or "aarch64-linux"'] as const;

const address = v.pipe(
  text,
  v.regex(/^https?:\/\/[^\s@]+$/, 'an address (https://…) without a password'),
);
const version = v.pipe(
  text,
  v.maxLength(limits.requirement, 'a version or a range of usual length'),
  v.check(each => specifierOf(each) !== undefined, 'a version or a range such as ">=2.10,<2.12"'),
);
const release = v.pipe(
  text,
  v.regex(/^[\w.-]+\/[\w.-]+(@\S+)?$/, 'a GitHub release such as "owner/name@v1.2"'),
);
/** An index, by its address or by its name in the table `indexes`. */
const indexOrName = v.union(
  [address, v.pipe(text, v.regex(/^[A-Za-z][\w-]*$/))],
  'an address (https://…) without a password, or a name of [indexes]',
);
const project = v.pipe(text, v.regex(/^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/, "a project's name"));
const rule = {
  version: v.optional(version),
  index: v.optional(indexOrName),
  release: v.optional(release),
  'ignore-requirements': v.optional(v.array(text, 'a list')),
};
const wheelSchema = closed({
  ...rule,
  skip: v.optional(v.boolean('true or false')),
  instead: v.optional(project),
  except: v.optional(
    v.array(
      closed({
        ...rule,
        cuda: v.optional(oneOrMore(...cudaForm)),
        python: v.optional(oneOrMore(...pythonForm)),
        system: v.optional(oneOrMore(...systemForm)),
        skip: v.optional(v.boolean('true or false')),
      }),
      'tables [[wheels.NAME.except]]',
    ),
  ),
});
/** What a project may say, and each exception of it. */
export type Rule = Pick<v.InferOutput<typeof wheelSchema>, keyof typeof rule>;
/** A table `[wheels.NAME]`. */
export type WheelRules = v.InferOutput<typeof wheelSchema>;
const exact = v.pipe(
  text,
  v.maxLength(limits.requirement, 'a version of usual length'),
  v.check(each => valid(each) !== null, 'a version such as "0.4.13"'),
);
const sourceSchema = closed({
  url: v.optional(
    v.pipe(text, v.check(isGitAddress, 'a Git address (https://…) without a password')),
  ),
  ref: v.optional(v.pipe(text, v.regex(/^[^\s-][^\s]*$/, 'a branch, tag or commit'))),
  package: v.optional(v.boolean('true or false')),
  version: v.optional(exact),
  index: v.optional(indexOrName),
});
/** A table `[sources.NAME]`. */
export type SourceRules = v.InferOutput<typeof sourceSchema>;

/** `wheels.toml`, but for what one table alone cannot tell. */
export const wantedSchema = closed({
  cuda: texts(...cudaForm),
  python: texts(...pythonForm),
  systems: v.optional(texts(...systemForm), ['x86_64-linux']),
  index: v.optional(indexOrName, 'https://download.pytorch.org/whl/{cuda}'),
  indexes: v.optional(v.record(text, address, 'a table'), {}),
  'package-index': v.optional(indexOrName, 'https://pypi.org/simple'),
  requirements: v.optional(v.array(v.pipe(text, v.minLength(1, 'a path')), 'a list of files'), []),
  provided: v.optional(
    v.union(
      [v.pipe(text, v.regex(/^[^#\s]*#[\w."-]+$/)), v.record(project, version, 'a table')],
      'an attribute of a flake such as ".#provided", or a table of projects with their versions',
    ),
  ),
  layers: v.optional(
    v.record(
      text,
      v.array(
        v.pipe(text, v.regex(/^[\w.-]+\*?$/, 'a name, or a pattern such as "nvidia-*"')),
        'a list',
      ),
      'a table',
    ),
  ),
  'github-api': v.optional(address, 'https://api.github.com'),
  wheels: v.optional(v.record(project, wheelSchema, 'a table'), {}),
  sources: v.optional(v.record(text, sourceSchema, 'a table'), {}),
});

/** All of `wheels.toml`. */
export type WantedTables = v.InferOutput<typeof wantedSchema>;

function isGitAddress(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, password } = new URL(url);
  return ['https:', 'http:', 'ssh:', 'git:', 'file:'].includes(protocol) && password === '';
}
