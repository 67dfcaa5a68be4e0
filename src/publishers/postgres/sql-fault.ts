import { Fault, type FaultClass } from '../../model/faults.ts';

/**
 * What PostgreSQL says, by the first two characters of its SQLSTATE.
 *
 * | class                       | meaning                                       | is |
 * |-----------------------------|-----------------------------------------------|----|
 * | 22, 23, 54                  | this value will never be taken                | poison |
 * | all others, and no answer   | for time or an operator to heal (08 connection, 28 password, 3D database, 40 rolled back, 42 table or rights, 53 disk full, 57 shutting down, …) | retryable |
 */
export function sqlFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
  const faultClass: FaultClass = state !== null && ['22', '23', '54'].includes(state.slice(0, 2)) ? 'poison' : 'retryable';
  const text = `PostgreSQL${state === null ? '' : ` ${state}`}: ${String(message)}`;
  return new Fault(faultClass, state === null ? 'postgres_connection' : 'postgres_sqlstate', text, { cause: error });
}
