import type { AmqpInputParameters } from './schema.ts';

/** Each queue is named like its routing key, `<topic>.<priority>`, as oslo.messaging does. */
export function queueNames({ topics, priorities }: Pick<AmqpInputParameters, 'topics' | 'priorities'>): string[] {
  return topics.flatMap((topic) => priorities.map((priority) => `${topic}.${priority}`));
}
