import { deleteTopicsOf } from '../services/kafka.ts';
import type { OwnKafka } from '../services/own-kafka.ts';
import { type KafkaConfig, openPorts } from './kafka-ports.ts';
import type { Ports, World } from './world.ts';

/** One world at a time: the topics of the suite's clusters are deleted behind each. A restart is a `kill -9` of the broker. */
export async function kafkaWorld(kafka: OwnKafka): Promise<World<Pick<Ports, 'topics'>>> {
  const config: KafkaConfig = { broker: kafka.broker };
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
      await kafka.kill();
      await kafka.launch();
      await kafka.ready();
    },
    child: { module: new URL('./kafka-ports.ts', import.meta.url), config },
    dispose: async () => {
      await closeAll();
      await deleteTopicsOf('cg.');
    },
  };
}
