import { chown, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type PhaseOptions, type PhaseResult, startRunner } from '../../tools/runner.ts';
import { kind } from '../build/machine.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** A job of a workflow: this action as one step, and commands as steps after it. */
export interface Job extends Omit<PhaseOptions, 'wrapper' | 'state'> {
  steps?: readonly (readonly string[])[];
}

export interface JobResult {
  main: PhaseResult;
  steps: PhaseResult[];
  post: PhaseResult;
}

/** A runner whose jobs each find an empty store, an empty home and an empty temporary folder. */
export interface HostedRunner {
  /** Parent of all its folders. */
  root: string;
  workspace: string;
  temp: string;
  home: string;
  /** In the environment of the action, and of nothing that was there before it. */
  mark: string;
  /** Forgets what the last job has left, as a new machine does. */
  renew(): Promise<void>;
  main(job: Job): Promise<PhaseResult>;
  /** A later step of the same job; it gets what `main` has exported. */
  step(command: readonly string[], main: PhaseResult, job: Job): Promise<PhaseResult>;
  post(main: PhaseResult, job: Job): Promise<PhaseResult>;
  /** The job ends without `post`: what it has left running is ended. */
  abandon(): Promise<void>;
  /** A whole job on a new machine. */
  job(job: Job): Promise<JobResult>;
}

/** Where the runner's programs run, if not in a namespace that each of them gets. */
export interface Machine {
  /** Put before a program; HOME and the folder in which it starts are given. */
  wrapper(home: string, workspace: string): readonly string[];
  uid: number;
  /** Its PATH. */
  path: string;
}

/**
 * Runs `dist` as GitHub's runner does, each phase with the Nix of this test run and a /nix of the
 * job's own. The paths are the same in each job, as those of hosted runners are.
 */
export async function hostedRunner(t: TestContext, machine?: Machine): Promise<HostedRunner> {
  const runner = await startRunner(machine?.uid);
  t.after(() => runner.dispose());
  const { workspace, temp, home } = runner;
  const root = dirname(temp);
  const nix = join(root, 'nix');
  const place = [path('../../tools/with-nix'), kind, '--nix', nix, '--home', home, '--'];
  const mark = `RUNNER_NAME=${basename(root)}`;
  const wrapper = [...(machine?.wrapper(home, workspace) ?? place), 'env', mark];
  const surroundings = {
    NIX_RELEASE_DIR: process.env.NIX_RELEASE_DIR ?? '',
    PATH: machine?.path ?? process.env.PATH ?? '',
  };
  const options = ({ env, steps: _, ...job }: Job, more: PhaseOptions = {}): PhaseOptions => ({
    ...job,
    ...more,
    wrapper: [...wrapper, ...nixVariables(more.env)],
    env: { ...surroundings, ...env, ...more.env },
  });
  const later = ({ env, path: folders }: PhaseResult, job: Job): PhaseOptions => {
    const before = job.env?.PATH ?? surroundings.PATH;
    return options(job, { env: { ...env, PATH: [...folders.toReversed(), before].join(':') } });
  };
  const dist = (name: string) => path(`../../../dist/${name}.js`);
  const self: HostedRunner = {
    ...{ root, workspace, temp, home, mark },
    renew: async () => {
      for (const folder of [nix, home, temp]) {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 });
        await mkdir(folder);
        if (machine) await chown(folder, machine.uid, machine.uid);
      }
    },
    main: job => runner.run(dist('main'), options(job)),
    step: (command, main, job) => runner.step(command, later(main, withoutRunner(job))),
    post: (main, job) => runner.run(dist('post'), { ...later(main, job), state: main.state }),
    abandon: () => runner.endOrphans(),
    job: async job => {
      await self.renew();
      const main = await self.main(job);
      const steps: PhaseResult[] = [];
      for (const command of job.steps ?? []) steps.push(await self.step(command, main, job));
      return { main, steps, post: await self.post(main, job) };
    },
  };
  return self;
}

/** Again behind the wrapper, since `with-nix` keeps those of its caller from what it runs. */
const nixVariables = (env: PhaseOptions['env'] = {}) =>
  Object.entries(env).flatMap(([name, value]) => (/^NIX_/.test(name) ? [`${name}=${value}`] : []));

/** The runner offers its services to actions only. */
const withoutRunner = ({ env = {}, ...job }: Job): Job => ({
  ...job,
  env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('ACTIONS_'))),
});
