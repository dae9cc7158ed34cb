import type { RunContext } from '../context.ts';
import { isLocalImage } from '../destination.ts';
import type { BuildSettings } from '../settings.ts';
import { badInput } from '../values.ts';

/** What a run may do to a registry, and why. */
type Permission = Pick<BuildSettings, 'push' | 'pushRefusal' | 'writeMemory'>;

/** Pull requests do not push unless told to, and never write the memory; forks do neither. */
export function permission(
  asked: boolean | undefined,
  image: string | undefined,
  context: RunContext,
): Permission {
  const { github } = context;
  if (isLocal(image, context) || github === undefined) return allowed(asked ?? true);
  if (github.fork !== undefined) {
    return refused(
      `Nothing is pushed and no secret is used: the code comes from ${github.fork}, ` +
        `not from ${github.repository}.`,
    );
  }
  if (!github.pullRequest) return allowed(asked ?? true);
  if (asked === true) return { push: true, writeMemory: false };
  return asked === false
    ? allowed(false)
    : refused('Nothing is pushed, since this is a pull request; `push: true` changes that.');
}

/** Whether the image stays on this machine, where nobody else is written to. */
function isLocal(image: string | undefined, context: RunContext): boolean {
  return image === undefined ? context.face === 'command-line' : isLocalImage(image);
}

function allowed(push: boolean): Permission {
  return push
    ? { push, writeMemory: true }
    : refused('Nothing is pushed, since the input push is false.');
}

function refused(pushRefusal: string): Permission {
  return { push: false, pushRefusal, writeMemory: false };
}

/** An image on standard output needs a program or a file that takes it. */
export function checkStandardOutput(
  name: string,
  image: string | undefined,
  { takesImage }: RunContext,
): void {
  if (image !== '-' || takesImage) return;
  throw badInput(
    name,
    '"-" is standard output, and here that takes no image.',
    'Write it to a file, docker-archive:FILE; on a terminal, put a pipe or a file behind it.',
  );
}
