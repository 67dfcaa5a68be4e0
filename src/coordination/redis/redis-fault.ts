import { Fault, type FaultClass } from '../../model/faults.ts';

/**
 * What Redis answered instead of a reply, by the first word of its error (it sends no other code). All but our own mistakes are
 * retryable: workers stand still, listeners go on, and a person or time mends it.
 *
 * | code                  | answer                                    |
 * |-----------------------|-------------------------------------------|
 * | `redis_loading`       | LOADING: reads its file after a start     |
 * | `redis_readonly`      | READONLY: a replica, or demoted to one    |
 * | `redis_busy`          | BUSY: somebody's script holds it          |
 * | `redis_out_of_memory` | OOM: `maxmemory` reached                  |
 * | `redis_cannot_save`   | MISCONF: cannot write its file            |
 * | `redis_auth`          | NOAUTH, WRONGPASS                         |
 * | `redis_permission`    | NOPERM, also from inside a script         |
 * | `redis_timeout`       | no answer in time                         |
 * | `redis_unavailable`   | MASTERDOWN, NOREPLICAS, TRYAGAIN, …       |
 * | `redis_cluster`       | MOVED, ASK, CROSSSLOT, CLUSTERDOWN        |
 * | `redis_certificate`   | not trusted                               |
 * | `redis_no_primary`    | no sentinel names one                     |
 * | `redis_disconnected`  | everything that happens to a connection   |
 * | `redis_unexpected`    | any other error: a bug of ours (fatal)    |
 */
export interface RedisPlace {
  /** `host:port`, without secrets. */
  readonly address: string;
  readonly user: string;
}

const byWord: ReadonlyMap<string, string> = new Map([
  ['LOADING', 'redis_loading'],
  ['READONLY', 'redis_readonly'],
  ['BUSY', 'redis_busy'],
  ['UNKILLABLE', 'redis_busy'],
  ['OOM', 'redis_out_of_memory'],
  ['MISCONF', 'redis_cannot_save'],
  ['NOAUTH', 'redis_auth'],
  ['WRONGPASS', 'redis_auth'],
  ['NOPERM', 'redis_permission'],
  ['MASTERDOWN', 'redis_unavailable'],
  ['NOREPLICAS', 'redis_unavailable'],
  ['TRYAGAIN', 'redis_unavailable'],
  ['MOVED', 'redis_cluster'],
  ['ASK', 'redis_cluster'],
  ['CROSSSLOT', 'redis_cluster'],
  ['CLUSTERDOWN', 'redis_cluster'],
]);

export function redisFault(thrown: unknown, place: RedisPlace): Fault {
  if (thrown instanceof Fault) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const [faultClass, code] = sort(thrown, message);
  return new Fault(faultClass, code, `Redis at ${place.address}: ${message}${remedy(code, place)}`, {
    cause: withoutCommand(thrown),
  });
}

/** The client hangs the whole command on its errors: the password of AUTH, the states of a commit. Neither belongs into a log. */
function withoutCommand(thrown: unknown): unknown {
  if (typeof thrown === 'object' && thrown !== null && 'command' in thrown) delete thrown.command;
  return thrown;
}

function sort(thrown: unknown, message: string): readonly [FaultClass, string] {
  if (isReplyError(thrown)) {
    const code =
      byWord.get(/^[A-Z]+/.exec(message)?.[0] ?? '') ?? (deniedInScript.test(message) ? 'redis_permission' : undefined);
    return code === undefined ? ['fatal', 'redis_unexpected'] : ['retryable', code];
  }
  if (message === timedOut) return ['retryable', 'redis_timeout'];
  return ['retryable', isCertificateError(thrown) ? 'redis_certificate' : 'redis_disconnected'];
}

/** ioredis rejects a command that got no reply in `commandTimeout` with an Error of this text and nothing else to know it by. */
export const timedOut = 'Command timed out';

// Redis 7.0 says it under ERR, without a word of its own.
const deniedInScript = /^ERR (?:ACL failure in script|The user executing the script can't)/;

function isReplyError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'ReplyError';
}

export function hasWord(thrown: unknown, word: string): boolean {
  return isReplyError(thrown) && (thrown as Error).message.startsWith(`${word} `);
}

function isCertificateError(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_)/.test(code);
}

/** Each of its nodes has its own run and is failed over by itself, and no guard of ours could look at all of them at once. */
export const clusterRemedy =
  ' → this is a Redis Cluster, which is not offered: give the agents a Redis of their own, one primary and as many replicas as you like';

function remedy(code: string, { user }: RedisPlace): string {
  if (code === 'redis_auth') return ` → check the password of the Redis user ${user}, and that it is on (ACL GETUSER ${user})`;
  if (code === 'redis_permission')
    return ` → give the Redis user ${user} the rules of deploy/redis/users.acl (ACL GETUSER ${user} shows what it has)`;
  if (code === 'redis_certificate') return ' → check `tls` (CA, server name, client certificate)';
  if (code === 'redis_out_of_memory') return ' → raise maxmemory, or remove what else lives in this Redis';
  if (code === 'redis_cannot_save') return ' → make room on its disk';
  if (code === 'redis_cluster') return clusterRemedy;
  if (code === 'redis_readonly') return ' → this is a replica: connect to the primary, or through `sentinels`, which name it';
  return '';
}
