import { Failure } from '../../host/failure.ts';
import { visible } from '../../host/visible.ts';

/**
 * Why a wheel has no tree by the rule of docs/wheel-trees.md; templates/layered/unpack-wheel.py says it
 * in the same words.
 *
 * @param what the entry, or the file, that it is about
 * @param why about that, as a sentence without its end
 */
export const refused = (what: string, why: string, cause?: unknown): Failure =>
  new Failure(`${visible(what)}: ${visible(why)}.`, {
    next: 'Its builder would refuse it too: take another file, or another version, in wheels.toml.',
    cause,
  });
