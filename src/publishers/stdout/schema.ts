import { z } from 'zod';

export const StdoutSchema = z.strictObject({});
export type StdoutParameters = z.output<typeof StdoutSchema>;
export const summary = 'Writes every item as one JSON line to standard output.';
