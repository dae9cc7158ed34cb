import { type InputDefinition, path, yesOrNo } from '../definition.ts';

/** What `prefetch` pins, and where. */
export const wheelsInputs = {
  wheels: {
    reader: path,
    description: 'The file that says which wheels and sources are wanted.',
    default: 'wheels.toml',
    verbs: ['prefetch'],
  },
  lock: {
    reader: path,
    description: 'The file in which `prefetch` pins them.',
    default: 'wheels.lock.json',
    verbs: ['prefetch'],
  },
  verify: {
    reader: yesOrNo,
    description: 'Whether `prefetch` downloads everything and compares it with the digests.',
    default: 'false',
    verbs: ['prefetch'],
  },
  unpacked: {
    reader: yesOrNo,
    description:
      'Whether `prefetch` downloads each new wheel once, to pin the hash of its tree, by which Nix fetches and unpacks it in one step.',
    default: 'false',
    verbs: ['prefetch'],
  },
} as const satisfies Record<string, InputDefinition>;
