import { isCertificateError, replyCode } from '../../lib/amqp-reply.ts';
import { Fault } from '../../model/faults.ts';

/**
 * What the broker refused, by reply code. A person must repair the fatal ones; the caller may still retry them where the same
 * broker took us before (a booting node refuses users and vhosts it does not know yet).
 *
 * | code          | meaning                                | class     |
 * |---------------|----------------------------------------|-----------|
 * | 406           | declared with other flags              | fatal     |
 * | 403, 530      | user, permission, vhost                | fatal     |
 * | certificate   | not trusted                            | fatal     |
 * | 404, others   | gone, closed, restarting, unreachable  | retryable |
 */
export function brokerFault(thrown: unknown, doing: string): Fault {
  if (thrown instanceof Fault) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = replyCode(thrown, message);
  const text = `${doing}: ${message}`;
  if (code === 406) return new Fault('fatal', 'amqp_flags_differ', `${text}${flagHint(message)}`, { cause: thrown });
  if (code === 403)
    return new Fault('fatal', 'amqp_refused', `${text} (check user, password and permissions)`, { cause: thrown });
  if (code === 530)
    return new Fault('fatal', 'amqp_not_allowed', `${text} (check the vhost in the URL, and the permission to use it)`, {
      cause: thrown,
    });
  if (code === 404) return new Fault('retryable', 'amqp_not_found', text, { cause: thrown });
  if (isCertificateError(thrown)) return new Fault('fatal', 'amqp_certificate', `${text} (check \`tls\`)`, { cause: thrown });
  return new Fault('retryable', 'amqp_disconnected', text, { cause: thrown });
}

const flagOfArgument: Readonly<Record<string, string>> = {
  durable: 'durable',
  auto_delete: 'auto_delete',
  'x-queue-type': 'quorum',
  type: 'exchange_type',
};

/** RabbitMQ says in its text alone which argument differs; the class of the fault never depends on it. */
function flagHint(message: string): string {
  const found = /inequivalent arg '([^']+)'.*?received (?:the value )?(.*?) (?:of type '[^']*' )?but current is (.*?)"?$/.exec(
    message,
  );
  const [, argument, , current] = found ?? [];
  if (argument === undefined || current === undefined) return '';
  const flag = flagOfArgument[argument];
  if (flag === undefined) return ` → set \`queue_arguments: { ${argument}: … }\` to what the broker has (${current})`;
  if (flag === 'quorum') return ` → set \`quorum: ${current.includes('quorum')}\``;
  return ` → set \`${flag}: ${
    current
      .replace(/^the value /, '')
      .replace(/'/g, '')
      .split(' ')[0]
  }\``;
}
