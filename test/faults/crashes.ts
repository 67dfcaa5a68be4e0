import type { CrashPoint } from '../../src/pipeline/crash-point.ts';
import type { AgentUnderTest } from './agent-under-test.ts';
import { type Ordeal, ordeal } from './ordeal.ts';
import { until } from './until.ts';

const crashMs = 30_000;
const settleMs = 60_000;
const notifications = 1_000;

/** Dies at each of the named places, the first, second … time it comes there; started again at once. */
export function crashesAt(points: readonly CrashPoint[], counts: readonly number[]): Promise<Ordeal> {
  return ordeal({
    notifications,
    settleMs,
    deaths: async (agent) => {
      for (const count of counts) for (const point of points) await agent.dieAt(`${point}:${count}`, crashMs);
    },
  });
}

/**
 * The same, and each time the next agent is asked, once it has work, how many notifications it met that were applied before; then it is
 * killed. Their sum says that the ids were needed.
 */
export async function crashesThatRepeat(
  points: readonly CrashPoint[],
  counts: readonly number[],
): Promise<Ordeal & { readonly repeated: number }> {
  let repeated = 0;
  const result = await ordeal({
    notifications,
    settleMs,
    deaths: async (agent) => {
      for (const count of counts) {
        for (const point of points) {
          await agent.dieAt(`${point}:${count}`, crashMs);
          repeated += await repeatedAfterwards(agent);
        }
      }
    },
  });
  return { ...result, repeated };
}

async function repeatedAfterwards(agent: AgentUnderTest): Promise<number> {
  agent.start();
  let repeated = 0;
  const applied = async () => {
    const facts = (await agent.facts()) ?? {};
    repeated = Number(facts['repeated'] ?? 0);
    return Number(facts['applied'] ?? 0) > 0;
  };
  await until(applied, crashMs, 'the next agent applied nothing');
  await agent.kill();
  return repeated;
}
