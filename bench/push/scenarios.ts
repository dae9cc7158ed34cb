/** What is pushed, and onto what: each follows on the one before, in the same repository. */
export const scenarios = [
  { id: 'cold', title: 'cold, all in the store' },
  { id: 'local', title: 'unchanged, all local' },
  { id: 'fresh', title: 'unchanged, fresh machine' },
  { id: 'changed', title: 'smallest layer changed, fresh machine' },
] as const;

export type ScenarioId = (typeof scenarios)[number]['id'];
