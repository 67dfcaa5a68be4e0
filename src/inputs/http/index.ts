import { Fault } from '../../model/faults.ts';
import type { InputKind } from '../input.ts';
import { type HttpInputParameters, summary } from './schema.ts';

export const http: InputKind<HttpInputParameters> = {
  name: 'http',
  summary,
  async open() {
    throw new Fault('fatal', 'not_here_yet', 'this input is not part of this version');
  },
};
