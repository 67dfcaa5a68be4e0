import { type Ordeal, ordeal } from './ordeal.ts';
import { seeded } from './random.ts';
import { pause } from './until.ts';

export interface KillOptions {
  readonly seed: number;
  readonly kills: number;
  readonly notifications: number;
}

/** From the process being young, before it has opened anything, to having worked for a while. */
const shortestLifeMs = 200;
const longestLifeMs = 4_000;

/** SIGKILL at random moments, and started again at once. */
export function randomKills({ seed, kills, notifications }: KillOptions): Promise<Ordeal> {
  const random = seeded(seed);
  return ordeal({
    notifications,
    settleMs: 60_000,
    deaths: async (agent) => {
      for (let i = 0; i < kills; i++) {
        agent.start();
        await pause(shortestLifeMs + random() * (longestLifeMs - shortestLifeMs));
        await agent.kill();
      }
    },
  });
}
