import { notification } from './notifications.ts';

/**
 * `JSON.parse` of both layers of a notification and nothing else: what no conversion can be faster than, and a measure of how fast the
 * machine is just now, which on shared cores changes by a factor of two from one minute to the next.
 */
const bodies = Array.from({ length: 500 }, (_, i) => notification(i));
const decoder = new TextDecoder('utf-8', { fatal: true });

/** CPU-seconds per 100,000 notifications. */
export function parseReference(count = 20_000): number {
  const cpu = process.cpuUsage();
  let length = 0;
  for (let i = 0; i < count; i++) {
    const outer = JSON.parse(decoder.decode(bodies[i % bodies.length])) as { 'oslo.message': string };
    length += (JSON.parse(outer['oslo.message']) as { message_id: string }).message_id.length;
  }
  if (length === 0) throw new Error('nothing was parsed');
  const { user, system } = process.cpuUsage(cpu);
  return ((user + system) / 1e6 / count) * 100_000;
}
