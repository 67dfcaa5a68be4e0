import { isCertificateError, replyCode } from '../../lib/amqp-reply.ts';
import { Fault } from '../../model/faults.ts';

/**
 * What the broker refused, by reply code. The fatal ones need a person; who was connected before retries them all the same, because a
 * booting node refuses users and vhosts that it does not know yet.
 *
 * | code        | meaning                                  | class     |
 * |-------------|------------------------------------------|-----------|
 * | 403, 530    | user, permission, vhost                  | fatal     |
 * | certificate | not trusted                              | fatal     |
 * | 404         | no such queue                            | retryable, `no_topic` |
 * | others      | closed, restarting, late, unreachable    | retryable |
 *
 * 406 is judged where it is met: it says that arguments differ, that an acknowledgement came late, or that an entry is too large.
 */
export function brokerFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = replyCode(thrown, message);
  const text = `${doing}: ${message}`;
  const cause = { cause: thrown };
  if (code === 403) return new Fault('fatal', 'amqp_refused', `${text} (check user, password and permissions)`, cause);
  if (code === 530) return new Fault('fatal', 'amqp_not_allowed', `${text} (check the vhost in the URL)`, cause);
  if (code === 404) return new Fault('retryable', 'no_topic', text, cause);
  if (isCertificateError(thrown)) return new Fault('fatal', 'amqp_certificate', `${text} (check \`tls\`)`, cause);
  return new Fault('retryable', 'amqp_disconnected', text, cause);
}
