import { z } from 'zod';
import { laneShape } from '../lane-options.ts';

export const StdoutSchema = z.strictObject({ ...laneShape });
export type StdoutParameters = z.output<typeof StdoutSchema>;
export const summary = 'Writes every item as one JSON line to standard output.';
