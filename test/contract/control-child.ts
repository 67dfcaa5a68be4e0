import { ControlQueue } from '../../src/topics/amqp/control-queue.ts';
import { controlOptions } from './amqp-ports.ts';

// Raises the incarnation, and stops for ever at the step that its parent named, to be killed there.
const [url = '', stopAt = ''] = process.argv.slice(2);
const step = async (at: string) => {
  if (at !== stopAt) return;
  process.send?.(at);
  await new Promise(() => setInterval(() => undefined, 1_000));
};
const control = new ControlQueue('test', { ...controlOptions({ url }), step });
await control.update((current) => ({
  clusterId: 'c1',
  incarnation: (current?.incarnation ?? 0) + 1,
  epochFloor: 0,
  layouts: current?.layouts ?? {},
}));
process.send?.('done');
