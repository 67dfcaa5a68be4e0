import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { redisFault } from '../../../src/coordination/redis/redis-fault.ts';

const place = { address: 'cache:6379', user: 'agent' };
const replied = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

describe('what Redis answers', () => {
  it.each([
    ['LOADING Redis is loading the dataset in memory', 'redis_loading'],
    ["READONLY You can't write against a read only replica. script: 1, on @user_script:1.", 'redis_readonly'],
    ['BUSY Redis is busy running a script.', 'redis_busy'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'redis_out_of_memory'],
    ['MISCONF Redis is configured to save RDB snapshots', 'redis_cannot_save'],
    ['NOAUTH Authentication required.', 'redis_auth'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'redis_auth'],
    ["NOPERM this user has no permissions to run the 'set' command", 'redis_permission'],
    ["ERR The user executing the script can't run this command or subcommand script: 1", 'redis_permission'],
    ["ERR ACL failure in script: User agent has no permissions to run the 'set' command", 'redis_permission'],
    ['NOREPLICAS Not enough good replicas to write.', 'redis_unavailable'],
    ['MASTERDOWN Link with MASTER is down', 'redis_unavailable'],
  ])('%s: may pass, as %s', (message, code) => {
    expect(redisFault(replied(message), place)).toMatchObject({ class: 'retryable', code });
  });

  it('that is an error of our script is our bug', () => {
    expect(redisFault(replied('ERR user_script:1: attempt to index nil'), place)).toMatchObject({ class: 'fatal' });
    expect(redisFault(replied('WRONGTYPE Operation against a key'), place)).toMatchObject({ code: 'redis_unexpected' });
  });

  it.each([
    [new Error('Command timed out'), 'redis_timeout'],
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'redis_disconnected'],
    [Object.assign(new Error('bad name'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'redis_certificate'],
    [Object.assign(new Error('self signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'redis_certificate'],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'redis_disconnected'],
    ['a string', 'redis_disconnected'],
  ])('is not said by it but by the connection: %s', (thrown, code) => {
    expect(redisFault(thrown, place)).toMatchObject({ class: 'retryable', code });
  });

  it('names who was refused, and what to do', () => {
    expect(redisFault(replied('WRONGPASS no'), place).message).toContain('check the password of the Redis user agent');
    expect(redisFault(replied('NOPERM no'), place).message).toContain('deploy/redis/users.acl');
  });

  it('is passed on without the command that asked, which may hold a password', () => {
    const error = Object.assign(replied('WRONGPASS no'), { command: { name: 'hello', args: ['3', 'AUTH', 'agent', 'secret'] } });

    expect(inspect(redisFault(error, place), { depth: 9 })).not.toContain('secret');
  });
});
