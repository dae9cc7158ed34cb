import { setTimeout as wait } from 'node:timers/promises';
import type { BenchImage, Contender } from './contenders.ts';
import { type Link, type OpenLink, startLink } from './link.ts';
import { readLoopback } from './loopback.ts';
import type { Registry } from './registry.ts';
import { type ScenarioId, scenarios } from './scenarios.ts';
import { execute, type Usage } from './workspace.ts';

/** One push, as seen from outside. */
export interface Measurement extends Usage {
  requests: number;
  /** Bytes over the link; else over the loopback interface, with TCP's headers. Answers are included. */
  bytes: number;
  /** CPU time of the registry, which has the same cores. */
  registrySeconds: number;
}

/** Measurements by scenario and contender. */
export type Results = Map<ScenarioId, Map<string, Measurement[]>>;

/** The image before and after its smallest layer changed. */
export interface Images {
  base: BenchImage;
  changed: BenchImage;
}

/** The runs of one link. */
export interface Course {
  registry: Registry;
  images: Images;
  /** A name for the repositories. */
  name: string;
  link?: Link;
  rounds: number;
  /** In turn; who is in here several times pushes to a repository of its own each time. */
  contenders: Readonly<Record<ScenarioId, readonly Contender[]>>;
}

/** Lets all contenders push in turn, scenario by scenario, round by round. */
export async function runCourse(course: Course): Promise<Results> {
  const { registry, link } = course;
  const proxy = link && (await startLink(registry.address, link));
  const results: Results = new Map(scenarios.map(({ id }) => [id, new Map()]));
  try {
    for (let round = 1; round <= course.rounds; round++) {
      for (const { id } of scenarios) {
        for (const [index, contender] of course.contenders[id].entries()) {
          const before = course.contenders[id].slice(0, index);
          const time = before.filter(({ name }) => name === contender.name).length + 1;
          const name = `${course.name}-${round}-${time}/${pathName(contender)}`;
          const at = `${proxy?.address ?? registry.address}/${name}`;
          const measured = await measurePush(contender, id, at, course, proxy);
          const all = results.get(id);
          all?.set(contender.name, [...(all.get(contender.name) ?? []), measured]);
          tell(course.name, round, id, contender.name, measured);
        }
      }
    }
  } finally {
    await proxy?.stop();
  }
  return results;
}

const pathName = ({ name }: Contender) => name.replace(/[^a-z]+/g, '-');

function measurePush(
  contender: Contender,
  scenario: ScenarioId,
  repository: string,
  { registry, images }: Course,
  proxy: OpenLink | undefined,
): Promise<Measurement> {
  const image = scenario === 'changed' ? images.changed : images.base;
  return measured(registry, () => contender.push({ image, repository, scenario }), proxy);
}

/** Measures one push, after the disk has done what the one before left to it. */
export async function measured(
  registry: Registry,
  push: () => Promise<Usage>,
  proxy?: OpenLink,
): Promise<Measurement> {
  await execute(['sync']);
  const before = await look(registry, proxy);
  const usage = await push();
  await wait(50); // the access log's last line
  const after = await look(registry, proxy);
  return {
    ...usage,
    requests: after.requests - before.requests,
    bytes: after.bytes - before.bytes,
    registrySeconds: after.registrySeconds - before.registrySeconds,
  };
}

const look = async (registry: Registry, proxy: OpenLink | undefined) => ({
  requests: registry.requests(),
  bytes: (await proxy?.bytes()) ?? readLoopback(),
  registrySeconds: registry.cpuSeconds(),
});

/** A line for whoever watches. */
export function tell(
  ...[course, round, what, name, took]: [string, number, string, string, Measurement]
): void {
  const { seconds, cpuSeconds, requests, bytes, registrySeconds } = took;
  const parts = [
    `${course} ${round}`,
    what.padEnd(8),
    name.replace('\\', '').padEnd(20),
    `${seconds.toFixed(2)} s`.padStart(9),
    `${cpuSeconds.toFixed(2)} CPU s`.padStart(12),
    `registry ${registrySeconds.toFixed(2)} CPU s`,
    `${(took.peakBytes / 1e6).toFixed(0)} MB`.padStart(7),
    `${requests} requests`.padStart(12),
    `${(bytes / 1e6).toFixed(1)} MB sent`,
  ];
  console.error(parts.join('  '));
}
