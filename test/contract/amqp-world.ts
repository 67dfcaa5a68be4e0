import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/lib/clock.ts';
import type { OwnRabbitmq } from '../services/own-rabbitmq.ts';
import { createVhost, deleteVhost } from '../services/rabbitmq.ts';
import { type AmqpConfig, openPorts } from './amqp-ports.ts';
import type { Ports, World } from './world.ts';

/** Each world is a virtual host of its own; a restart is a `kill -9` of the broker. */
export async function amqpWorld(broker: OwnRabbitmq): Promise<World<Pick<Ports, 'topics'>>> {
  const vhost = `w-${randomUUID()}`;
  const config: AmqpConfig = { url: await createVhost(vhost) };
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    await Promise.all(opened.splice(0).map((ports) => ports.close()));
  };
  return {
    open: async () => {
      const ports = await openPorts(config);
      opened.push(ports);
      return ports;
    },
    restart: async () => {
      await closeAll();
      // What `settleMs` is for elsewhere: a broker that is killed within the first second of a queue forgets it.
      await systemClock.sleep(2_000);
      await broker.kill();
      await broker.launch();
      await broker.ready();
    },
    child: { module: new URL('./amqp-ports.ts', import.meta.url), config },
    dispose: async () => {
      await closeAll();
      await deleteVhost(vhost);
    },
  };
}
