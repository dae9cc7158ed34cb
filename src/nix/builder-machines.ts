import { Failure } from '../host/failure.ts';

/** A machine of nix.conf's `builders`. */
export interface Builder {
  /** As Nix is told it: the first field of the line. */
  uri: string;
  /** The other fields: systems, key file, jobs, speed factor, features … */
  fields: readonly string[];
  /** Undefined: it is not reached through ssh (`local?root=…`, `@/etc/nix/machines`). */
  ssh: SshAddress | undefined;
}

/** How ssh reaches a builder. */
export interface SshAddress {
  /** As the user gave it. */
  uri: string;
  /** The name by which ssh is called. */
  alias: string;
  host: string;
  port: number | undefined;
  /** Whether the line names a key file, and a host key. */
  ownKey: boolean;
  ownHostKey: boolean;
}

/**
 * Parses nix.conf's `builders` (Nix manual, "Remote Builds"): machines between `;` or line ends,
 * fields between blanks, `#` begins a comment. A port becomes part of a name that is resolved by
 * the configuration of ssh. Throws a {@link Failure} for an ssh address that is none.
 */
export function parseBuilders(text: string): Builder[] {
  return text
    .split('\n')
    .map(line => line.replace(/#.*/, ''))
    .flatMap(line => line.split(';'))
    .map(machine => machine.trim().split(/\s+/))
    .filter(([first]) => first !== '')
    .map(([uri = '', ...fields]) => parseMachine(uri, fields));
}

/**
 * The machine with a key file and a host key in its own line, unless it names them itself: whoever
 * starts ssh for it then needs no configuration.
 */
export function withKeys(
  builder: Builder,
  keyFile: string | undefined,
  hostKey: string | undefined,
): Builder {
  const { ssh } = builder;
  if (ssh === undefined) return builder;
  const fields = Array.from({ length: 7 }, (_, index) => builder.fields[index] ?? '-');
  if (keyFile !== undefined && !ssh.ownKey) fields[keyField] = keyFile;
  if (hostKey !== undefined && !ssh.ownHostKey) fields[hostKeyField] = hostKey;
  return { ...builder, fields };
}

/** Places among a machine's fields, its address not counted. */
const keyField = 1;
const hostKeyField = 6;

/** The machine as nix.conf wants it. */
export const builderText = ({ uri, fields }: Builder): string => [uri, ...fields].join(' ');

function parseMachine(given: string, fields: readonly string[]): Builder {
  const uri = isComplete(given) ? given : `ssh://${given}`;
  if (!/^ssh(-ng)?:/.test(uri)) return { uri, fields, ssh: undefined };
  const parts = sshUri.exec(uri)?.groups;
  if (!parts) {
    throw new Failure(`The builder ${given} is not an address for ssh.`, {
      next: 'Write it as ssh-ng://USER@HOST:PORT (user and port may be left out).',
    });
  }
  const { scheme = '', user = '', name = '', digits, parameters = '' } = parts;
  const host = name.replace(/^\[(.*)\]$/, '$1');
  const port = digits === undefined ? undefined : Number(digits);
  const alias = port === undefined ? host : `${host.replaceAll(':', '.')}-${port}`;
  const isGiven = (field: string | undefined) => field !== undefined && field !== '-';
  return {
    uri: port === undefined ? uri : `${scheme}://${user}${alias}${parameters}`,
    fields,
    ssh: {
      uri: given,
      alias,
      host,
      port,
      ownKey: isGiven(fields[keyField]) || /[?&]ssh-key=/.test(parameters),
      ownHostKey:
        isGiven(fields[hostKeyField]) || /[?&]base64-ssh-public-host-key=/.test(parameters),
    },
  };
}

const sshUri = new RegExp(
  '^(?<scheme>ssh|ssh-ng)://(?<user>\\w[\\w.+-]*@)?' +
    '(?<name>\\w[\\w.-]*|\\[[0-9a-fA-F:.]+\\])(?::(?<digits>\\d{1,5}))?/?(?<parameters>\\?.*)?$',
);

/** Whether Nix takes the text as it is, and not for a host's name. */
const isComplete = (given: string): boolean =>
  given.includes('://') || /^(@|\/|(local|auto|daemon)(\?|$))/.test(given);
