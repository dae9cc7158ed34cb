import type { ProgressEvent } from '../../../host/events.ts';
import { shownAddress } from '../../../host/http/address.ts';
import type { NixEvent } from '../../../nix/types.ts';

/** An event of Nix as one of the run, with the layer that it belongs to; undefined where it is none. */
export function progressEvent(
  event: NixEvent,
  layerOf: (path: string) => string | undefined,
): ProgressEvent | undefined {
  const of = (path: string) => {
    const layer = layerOf(path);
    return layer === undefined ? {} : { layer };
  };
  switch (event.type) {
    case 'build-start':
    case 'build-end':
    case 'build-log': {
      const { drvPath: derivation, ...told } = event;
      return { ...told, derivation, ...of(derivation) };
    }
    case 'substitute-start':
      return { ...event, cache: shownAddress(event.cache), ...of(event.path) };
    case 'substitute-end':
      return { ...event, ...of(event.path) };
    case 'download':
    case 'counts':
      return event;
    default:
      return undefined;
  }
}
