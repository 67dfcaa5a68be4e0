import { Fault } from '../../model/faults.ts';
import type { InputKind } from '../input.ts';
import { type AmqpInputParameters, summary } from './schema.ts';

export const amqp: InputKind<AmqpInputParameters> = {
  name: 'amqp',
  summary,
  async open() {
    throw new Fault('fatal', 'not_here_yet', 'this input is not part of this version');
  },
};
