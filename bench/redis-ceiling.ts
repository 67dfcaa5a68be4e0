import { Redis } from 'ioredis';
import { percentile, rounded } from './process-figures.ts';

const writes = 'for i = 1, 100 do redis.call("HSET", KEYS[1], i, ARGV[1]) end return 1';
const eachMs = 3_000;

/** What the server itself does: scripts that write a hundred short fields, answered once they are on disk. */
export async function redisCeiling(port: number): Promise<{ readonly perSecond: number; readonly commitMs: number }> {
  const alone = await commit(port, 1);
  const together = await commit(port, 16);
  return { perSecond: Math.round((together.length * 1000) / eachMs), commitMs: rounded(percentile(alone, 0.5), 2) };
}

async function commit(port: number, connections: number): Promise<number[]> {
  const took: number[] = [];
  const until = performance.now() + eachMs;
  await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const redis = new Redis(port, '127.0.0.1', { disableClientInfo: true });
      while (performance.now() < until) {
        const began = performance.now();
        await redis.eval(writes, 1, `ceiling:${i}`, 'x'.repeat(100));
        took.push(performance.now() - began);
      }
      await redis.del(`ceiling:${i}`);
      redis.disconnect();
    }),
  );
  return took;
}
