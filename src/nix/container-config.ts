import { Failure } from '../host/failure.ts';
import { limits } from '../host/limits.ts';
import type { ContainerConfig, Healthcheck } from '../image/types.ts';
import {
  type Found,
  mismatch,
  readBoolean,
  readFields,
  readInteger,
  readList,
  readMap,
  readSet,
  readString,
} from './shape.ts';

const readStrings = (found: Found) => readList(found, item => readString(item));

const readText = (found: Found) => readString(found);

const readVariable = (found: Found) =>
  readString(found, /^[^=]+=/, 'a variable such as "NAME=value"');

/** How each field of a config is read: OCI's names, and those of Docker that it reserves or leaves out. */
const readers = {
  User: readUser,
  ExposedPorts: found => readEmptySets(found, /^\d+(-\d+)?(\/(tcp|udp|sctp))?$/, 'ports'),
  Env: found => readList(found, readVariable),
  Entrypoint: readStrings,
  Cmd: readStrings,
  Volumes: found => readEmptySets(found, /^\//, 'absolute paths'),
  WorkingDir: found => readString(found, /^(\/.*)?$/, 'an absolute path'),
  Labels: found => readMap(found, readText),
  StopSignal: readText,
  ArgsEscaped: readBoolean,
  Memory: found => readInteger(found),
  // -1 is no limit
  MemorySwap: found => readInteger(found, -1),
  CpuShares: found => readInteger(found),
  Healthcheck: readHealthcheck,
  Shell: readStrings,
  OnBuild: readStrings,
  StopTimeout: found => readInteger(found),
  Hostname: readText,
  Domainname: readText,
  NetworkDisabled: readBoolean,
  AttachStdin: readBoolean,
  AttachStdout: readBoolean,
  AttachStderr: readBoolean,
  Tty: readBoolean,
  OpenStdin: readBoolean,
  StdinOnce: readBoolean,
} satisfies { [Name in keyof Required<ContainerConfig>]: (found: Found) => ContainerConfig[Name] };

const healthReaders = {
  Test: readStrings,
  Interval: found => readInteger(found),
  Timeout: found => readInteger(found),
  StartPeriod: found => readInteger(found),
  StartInterval: found => readInteger(found),
  Retries: found => readInteger(found),
} satisfies { [Name in keyof Required<Healthcheck>]: (found: Found) => Healthcheck[Name] };

/** Reads a recipe's `config`. Throws a {@link Failure} that names the first field that is wrong. */
export function readContainerConfig(found: Found): ContainerConfig {
  return readKnown(found, readers);
}

function readHealthcheck(found: Found): Healthcheck {
  return readKnown(found, healthReaders);
}

/** A set of which each field that is there has a reader; others are refused. */
function readKnown(found: Found, how: Readonly<Record<string, (found: Found) => unknown>>) {
  const names = Object.keys(how);
  const field = readSet(found, names);
  const read = names.flatMap(name => {
    const value = field(name);
    return value ? [[name, how[name]?.(value)]] : [];
  });
  return Object.fromEntries(read);
}

/** Names or numbers, of a user and a group; numbers are such as Linux has. */
function readUser(found: Found): string {
  const user = readString(found);
  const isTooLarge = (part: string) => /^\d+$/.test(part) && Number(part) > limits.owner;
  if (!user.split(':').some(isTooLarge)) return user;
  throw mismatch(found, `a user or group, whose number is at most ${limits.owner}`);
}

/** OCI writes sets of names as sets of empty sets: `{ "8188/tcp" = { }; }`. */
function readEmptySets(
  found: Found,
  pattern: RegExp,
  names: string,
): Record<string, Record<string, never>> {
  const sets = readMap(found, item => {
    if (readFields(item).length > 0) throw mismatch(item, 'an empty set');
    return {};
  });
  const wrong = Object.keys(sets).find(name => !pattern.test(name));
  if (wrong === undefined) return sets;
  throw mismatch({ at: found.at, value: wrong }, `names that are ${names}`);
}
