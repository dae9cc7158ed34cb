import type { ContainerConfig } from '../../image/types.ts';
import { nameOf } from '../../nix/names.ts';
import type { Finding } from '../../record/audit.ts';
import { attributesOf } from '../facts.ts';
import type { AuditSubject } from '../subject.ts';
import type { LayerOf } from './builds.ts';

/** What is wrong with the image's config: who runs it, and what its environment gives away. */
export function configFindings(subject: AuditSubject, layerOf: LayerOf): Finding[] {
  return [
    ...rootUser(subject.config),
    ...configSecrets(subject.config),
    ...buildSecrets(subject, layerOf),
  ];
}

function rootUser({ User: user = '' }: ContainerConfig): Finding[] {
  if (!/^(?:|0|root)(?::|$)/.test(user)) return [];
  return [
    {
      rule: 'runs-as-root',
      severity: 'warning',
      message:
        user === ''
          ? 'The image names no user, so that it runs as root.'
          : `The image runs as the user ${user}.`,
      cost: 'Whoever breaks into the program, or a custom node, is root in the container, and the files that it writes to volumes are root’s.',
      advice: 'Set config.User = "1000:1000", and give that user its home among the directories.',
    },
  ];
}

function configSecrets({ Env = [], Labels = {}, Entrypoint = [], Cmd = [] }: ContainerConfig) {
  const variables = Env.map(variable => {
    const at = variable.indexOf('=');
    return [variable.slice(0, at), variable.slice(at + 1)] as const;
  });
  const named = variables.filter(([name, value]) => isSecret(name, value));
  const labels = Object.entries(Labels).filter(([, value]) => looksSecret(value));
  const words = [...Entrypoint, ...Cmd].filter(looksSecret);
  return [
    ...named.map(([name]) => secret(`The variable ${name} of the image`)),
    ...labels.map(([name]) => secret(`The label ${name} of the image`)),
    ...(words.length > 0 ? [secret('The command line of the image')] : []),
  ];
}

/** Attributes of a derivation are readable in the store of every machine that builds it. */
function buildSecrets({ near }: AuditSubject, layerOf: LayerOf): Finding[] {
  return [...near].flatMap(([drvPath, derivation]) => {
    const attribute = attributesOf(derivation);
    const names = [...derivation.env.keys()].filter(name => isSecret(name, attribute(name) ?? ''));
    return names.map(name => ({
      ...secret(`The variable ${name} of the build of ${nameOf(drvPath)}`),
      layer: layerOf(drvPath),
      derivation: drvPath,
    }));
  });
}

function secret(what: string): Finding {
  return {
    rule: 'secret-in-environment',
    severity: 'error',
    message: `${what} holds what looks like a secret.`,
    cost: 'Everyone who can pull the image, or read the store or a cache that has it, can read it.',
    advice: 'Take it out and revoke it; hand it to the container when it starts, best as a file.',
  };
}

const secretWords = new Set(
  'TOKEN SECRET SECRETS PASSWORD PASSWD PASSPHRASE CREDENTIAL CREDENTIALS APIKEY PAT'.split(' '),
);

/** A name that says a secret, with a value that can be one. A file or a switch is none. */
function isSecret(name: string, value: string): boolean {
  if (looksSecret(value)) return true;
  const parts = name.toUpperCase().split(/[_\W]+/);
  const last = parts.at(-1) ?? '';
  const isKey =
    last === 'KEY' && ['API', 'SECRET', 'PRIVATE', 'ACCESS', 'AUTH'].includes(parts.at(-2) ?? '');
  if (!isKey && !secretWords.has(last)) return false;
  return !/^(?:|\d|true|false|yes|no|none|null|on|off)$/i.test(value) && !/^[/$<{%]/.test(value);
}

/** Forms that secrets have: tokens of GitHub, Hugging Face, GitLab, Slack, AWS …, keys, passwords in addresses. */
const secretForms = [
  /\bgh[pousr]_[A-Za-z0-9]{30,}/,
  /\bgithub_pat_\w{30,}/,
  /\bhf_[A-Za-z0-9]{30,}/,
  /\bglpat-[\w-]{20,}/,
  /\bxox[abprs]-[\w-]{10,}/,
  /\bsk-[\w-]{20,}/,
  /\bAKIA[0-9A-Z]{16}\b/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\./,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:[^\s/@$]+@/i,
];

const looksSecret = (value: string) => secretForms.some(form => form.test(value));
