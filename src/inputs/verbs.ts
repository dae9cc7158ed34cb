/** The verbs: values of the input `command`, and subcommands of the command line. */
export const verbs = {
  build: {
    summary: 'Build an image layer by layer and push what the registry does not hold yet',
    positional: ['flake'],
  },
  plan: {
    summary: 'Tell what a build would make, fetch and send, and why; builds nothing',
    positional: ['flakes'],
  },
  why: {
    summary: 'Tell why layers would be made anew: the root causes, or the chain of a layer',
    positional: ['layer'],
  },
  setup: {
    summary: 'Set Nix up with its caches, for later steps that build something else',
    positional: [],
  },
  prefetch: {
    summary: 'Pin the wheels and sources that wheels.toml asks for in wheels.lock.json',
    positional: [],
  },
  audit: {
    summary: "Tell where an image's packages come from, and what of it will hurt; builds nothing",
    positional: ['flake'],
  },
  report: {
    summary: 'Tell of a run that was recorded: as text, Markdown, JSON, a trace or a web page',
    positional: ['run'],
  },
  copy: {
    summary: 'Copy an image of any kind to a registry, an OCI layout or a docker-archive',
    positional: ['source', 'destination'],
  },
} as const satisfies Record<string, { summary: string; positional: readonly string[] }>;

export type VerbName = keyof typeof verbs;

export const verbNames = Object.keys(verbs) as VerbName[];
