/**
 * The reply code with which a broker refused. amqplib carries it as a number, but while the connection opens only in the text of the
 * error; and of a refused vhost not even there: it says that a close came where open-ok was due.
 */
export function replyCode(thrown: unknown, message = String((thrown as Error | null)?.message)): number | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (typeof code === 'number') return code;
  if (/^Expected ConnectionOpenOk; got <ConnectionClose/.test(message)) return 530;
  const handshake = /^Handshake terminated by server: (\d{3})\b/.exec(message);
  return handshake === null ? undefined : Number(handshake[1]);
}

/** A certificate that is not trusted, which no waiting mends. */
export function isCertificateError(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code);
}
