/**
 * Everything that can go wrong, by what the caller should do.
 *
 * | class     | meaning                                  | who acts |
 * |-----------|------------------------------------------|----------|
 * | retryable | may work later                           | retry loop, with jitter |
 * | poison    | the same input will fail again           | dead letter with reason, stage, first seen |
 * | fenced    | this partition is no longer mine         | drop the work, write nothing, count it |
 * | fatal     | our configuration or our bug             | the agent stops, exit code not zero |
 */
export type FaultClass = 'retryable' | 'poison' | 'fenced' | 'fatal';

/** `code` is a stable word (`http_status`, `bad_json`), listed in docs; `message` is for people. The original is `cause`. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly class: FaultClass;
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  constructor(faultClass: FaultClass, code: string, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = faultClass;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

const retryableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'EAGAIN',
  'EBUSY',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** Sorts any thrown thing into a class without throwing itself. Unknown things are our bug, so `fatal`. */
export function classify(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const code = codeOf(thrown) ?? codeOf((thrown as { cause?: unknown } | null)?.cause);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code !== undefined && retryableCodes.has(code))
    return new Fault('retryable', code.toLowerCase(), message, { cause: thrown });
  return new Fault('fatal', 'unexpected', message, { cause: thrown });
}

function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { code } = thrown as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
