import * as v from 'valibot';
import { Failure, type FailureDetails } from '../host/failure.ts';
import { lenient, readJson } from '../host/foreign-json.ts';
import { type Answer, headerNumber } from '../host/http/message.ts';
import { isRedirect } from '../host/http/redirect.ts';
import { isFull } from '../host/http/retry.ts';
import { explainedLoss } from '../host/http/unreachable.ts';
import { limits } from '../host/limits.ts';
import { adviceByWords, permissionToWrite } from './advice.ts';
import type { ImageReference } from './reference.ts';

/** Where a request was refused, for people. */
export interface Refused {
  reference: ImageReference;
  /** What was done, to continue "could not": "upload a blob to", "read the tag x of". */
  action: string;
  /** The token scope that was used. */
  scope: string;
  /** Whether there was a login to use. */
  withLogin: boolean;
}

const refusalSchema = v.object({
  errors: lenient(v.array(lenient(v.object({ code: v.string(), message: lenient(v.string()) })))),
  /** Some token servers say it so. */
  details: lenient(v.string()),
});

/** The registry's own words (distribution-spec, "Error Codes"), at most five; else nothing. */
export function errorsOf(answer: Answer): string[] {
  const { errors = [], details } = readJson(refusalSchema, answer.body.toString()) ?? {};
  if (details !== undefined) return [oneLine(details)];
  return errors
    .flatMap(error => error ?? [])
    .slice(0, 5)
    .map(({ code, message = '' }) => oneLine(`${code}: ${message}`));
}

/** Whether the registry's errors hold this code, such as "BLOB_UPLOAD_UNKNOWN". */
export function hasErrorCode(answer: Answer, code: string): boolean {
  return errorsOf(answer).some(line => line.startsWith(`${code}:`));
}

/** What a registry has answered instead of doing it. */
export class Refusal extends Failure {
  readonly status: number;

  constructor(status: number, message: string, details: FailureDetails) {
    super(message, details);
    this.status = status;
  }
}

/**
 * Whether a tag was refused because it is there and cannot be moved, or because somebody took it: the
 * registry has had nothing against the same manifest just before.
 */
export const cannotMove = (error: unknown): boolean =>
  error instanceof Refusal && [400, 403, 405, 409, 412, 422].includes(error.status);

/** The error for an answer that is no success. */
export function refusal(answer: Answer, refused: Refused): Refusal {
  const { reference, action, scope, withLogin } = refused;
  const repository = `${reference.registry}/${reference.repository}`;
  const { status } = answer;
  const words = errorsOf(answer);
  const place = `${repository}: the registry answered ${status}${meaning(answer, withLogin)}`;
  return new Refusal(status, `Could not ${action} ${place}.`, {
    evidence: words,
    tried: `${withLogin ? 'with a login' : 'without a login'}, scope "${scope}"`,
    next: isFull(answer)
      ? 'Free space in the registry (delete images, collect garbage), or raise its quota.'
      : (adviceByWords(words, refused, status) ??
        adviceFor(reference.registry, status, withLogin, reference.repository)),
  });
}

function meaning(answer: Answer, withLogin: boolean): string {
  const { status } = answer;
  if (isRedirect(status)) return ', a redirect that is not followed';
  if (status === 401) return withLogin ? ', the login was not accepted' : ', a login is needed';
  if (status === 403) return ', access is denied';
  if (status === 404) return ', it does not know the repository';
  if (status === 413) return ', too large';
  if (status === 429) return `, too many requests${untilWhen(answer)}`;
  if (isFull(answer)) return ', it has no space left';
  return status >= 500 ? `, a fault of the registry${untilWhen(answer)}` : '';
}

function untilWhen(answer: Answer): string {
  const seconds = headerNumber(answer, 'retry-after', 9_999_999);
  return seconds === undefined ? '' : `, and asks to come again in ${seconds} s`;
}

/** What to check after an answer with this status; registries differ. */
export function adviceFor(
  registry: string,
  status: number,
  withLogin: boolean,
  repository?: string,
): string {
  if (isRedirect(status)) return redirectAdvice;
  if (status === 429) return 'Try again later, or log in: most registries then allow more.';
  if (status >= 500) return `Try again later; the state of ${registry} may be public.`;
  if (status === 413) return 'Lower `max-layer-size`, or raise the limit of the proxy before it.';
  if (registry === 'ghcr.io') return permissionToWrite(registry);
  if (isEcr(registry)) {
    if (status !== 404) return 'Renew the login (user "AWS"): it is valid for 12 hours.';
    return `Create the repository first: aws ecr create-repository --repository-name ${repository}`;
  }
  if ((status === 401 || status === 403) && !withLogin) {
    return `Give \`registry-username\` and \`registry-password\`, or run: docker login ${registry}`;
  }
  if (status === 401) return `Check the user name and password for ${registry}.`;
  if (status === 403) return `Check that this login may write to this repository of ${registry}.`;
  return 'Check the name of the image, and that the repository exists.';
}

const redirectAdvice =
  'Check the address of the registry: it leads to another server, or to no address at all.';

/** Amazon's registries, whose repositories have to be created and whose uploads go in chunks. */
export function isEcr(registry: string): boolean {
  return /(?:^|\.)dkr[.-]ecr[.-].+\.(?:amazonaws\.com(?:\.cn)?|on\.aws)$/.test(registry);
}

/** Makes a Failure of a lost connection to a registry or its token server; else gives the error back. */
export const unreachable = (error: unknown, host: string): unknown =>
  explainedLoss(error, host, 'the name of the registry');

/** A server's words in one line; what looks like a login is what it was asked with, and not shown. */
function oneLine(text: string): string {
  return text
    .slice(0, limits.refusal)
    .replace(/(basic|bearer)\s+\S+/gi, '$1 ***')
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim();
}
