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

/**
 * amqplib carries the reply code as a number, but while the connection opens only in the text of the error; and of a refused vhost
 * not even there: it says that a close came where open-ok was due.
 */
function replyCode(thrown: unknown, message: string): number | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return code;
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(message)) return 530;
  const handshake = /^Handshake terminated by server: (\d{3})\b/.exec(message);
  return handshake === null ? undefined : Number(handshake[1]);
}

function isCertificateError(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code);
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
