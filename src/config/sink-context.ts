import type { Environment, Secrets } from './references.ts';
import type { Registries } from './registries.ts';

/** What reading a sink file needs to know besides the file. */
export interface SinkContext {
  readonly registries: Registries;
  readonly env: Environment;
  /** Where relative paths of outputs are meant from: the folder of the agent's file. */
  readonly baseDir: string;
  readonly secrets: Secrets;
  /** Several listeners take from one queue, so what they give has no common order by itself. */
  readonly coordinated: boolean;
}
