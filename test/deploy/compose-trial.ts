import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { fromRaw } from '../cluster/recorded.ts';
import { afterwards, type Raw, traffic } from '../cluster/traffic.ts';
import { pause } from '../faults/until.ts';
import { judge, type Verdict } from '../faults/verdict.ts';
import { projectDir } from '../run/program.ts';
import { ComposeProject } from './compose-project.ts';

const pipelines = fileURLToPath(new URL('pipelines', import.meta.url));
const configFile = join(projectDir, 'deploy/compose/agent.yaml');
const hourMs = 3_600_000;
const [notifications, instances, perSecond] = [6_000, 100, 100];
const agents = ['agent-1', 'agent-2', 'agent-3'];

/** Starts the cluster, lets a small cloud notify, does something to it meanwhile, and compares all outputs with one process. */
export async function composeTrial(name: string, during: (project: ComposeProject) => Promise<void>): Promise<Verdict> {
  const project = await ComposeProject.make(name, pipelines);
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-compose-'));
  try {
    await project.must('up', '--build', '--detach', '--wait');
    await shared(project, agents);
    const startMs = Date.now() - 30 * 24 * hourMs;
    const published = [...traffic(notifications, instances, startMs)];
    const sending = project.send(bodies(published), perSecond);
    sending.catch(() => undefined);
    await during(project);
    await sending;
    await settled(project);
    // Whoever waits for event time to pass: it passes. Not before all is applied, or what one listener still has would come too late.
    const last = [...afterwards(Math.ceil(notifications / instances) + 1, instances, startMs, hourMs)];
    await project.send(bodies(last), perSecond);
    await settled(project);
    await project.must('cp', 'agent-1:/var/lib/ceilograph/out', folder);
    return await verdict([...published, ...last], join(folder, 'out'));
  } catch (error) {
    const { stdout } = await project.run(['logs', '--no-color', '--tail', '20', ...agents]);
    console.error(stdout);
    throw error;
  } finally {
    await project.remove();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Until exactly these agents share all partitions, none more than two more than another. Returns how many each has. */
export async function shared(project: ComposeProject, names: readonly string[]): Promise<readonly number[]> {
  const counts = ({ members, partitions }: ClusterView) => {
    if (partitions.length === 0 || members.length !== names.length) return null;
    const found = names.map((name) => partitions.filter(({ owner }) => owner === name).length);
    const all = found.reduce((sum, count) => sum + count, 0) === partitions.length;
    return all && Math.max(...found) - Math.min(...found) <= 2 ? found : null;
  };
  const found = await until(`${names.join(', ')} share the partitions`, 90_000, async () => {
    const view = await project.status(names[0] ?? '');
    return view === null ? null : counts(view);
  });
  console.log(`${names.join(', ')} share the partitions: ${found.join(', ')}`);
  return found;
}

/** Nothing waits anywhere, twice in a row. */
async function settled(project: ComposeProject): Promise<void> {
  let calm = 0;
  await until('nothing waits any more', 180_000, async () => {
    const view = await project.status('agent-1');
    const waits = view?.partitions.some((each) => each.owner === null || each.outboxItems > 0 || each.entries > 20) ?? true;
    // Canaries come and go.
    calm = waits || (await project.rawWaiting()) > 9 ? 0 : calm + 1;
    return calm >= 2 ? true : null;
  });
}

async function until<T>(what: string, withinMs: number, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (performance.now() > end) throw new Error(`not within ${withinMs / 1_000} s: ${what}`);
    await pause(1_000);
  }
}

async function verdict(published: readonly Raw[], folder: string): Promise<Verdict> {
  const setup = await loadSetup({ config: configFile, pipelines }, {});
  const sinks = new Set(setup.sinks.map(({ sink }) => sink));
  const found = await judge(fromRaw(setup, 'ceilograph', published, sinks), folder);
  for (const sink of sinks) if (found.files[sink] === undefined) throw new Error(`sink ${sink} was not put to the test`);
  return found;
}

function* bodies(raws: Iterable<Raw>): Generator<string> {
  for (const { body } of raws) yield body;
}
