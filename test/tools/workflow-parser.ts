import { registerHooks } from 'node:module';

/**
 * GitHub's parser of workflows. Its files import JSON in a way that only bundlers understand; Node is
 * told what they mean.
 */
export async function workflowParser() {
  const hooks = registerHooks({
    load: (url, context, next) =>
      url.endsWith('.json')
        ? next(url, { ...context, importAttributes: { type: 'json' } })
        : next(url, context),
  });
  try {
    return await import('@actions/workflow-parser');
  } finally {
    hooks.deregister();
  }
}
