import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, untilAllRun, usual } from './cluster-fault.ts';
import type { Servers } from './servers.ts';
import type { Trial } from './trial.ts';

export const redisFaults: readonly ClusterFault[] = [
  {
    id: 'F9',
    about: 'Redis is stopped in order and started again',
    times: 3,
    options: (random) => ({ ...usual, during: ({ servers }) => again(3, random, 8_000, () => servers.redis.restart('SIGTERM')) }),
    seen: told('group:recovered', 2),
  },
  {
    id: 'F10',
    about: 'Redis is killed with SIGKILL and started again',
    times: 4,
    options: (random) => ({ ...usual, during: ({ servers }) => again(4, random, 8_000, () => servers.redis.restart('SIGKILL')) }),
    seen: told('group:recovered', 2),
  },
  {
    id: 'F9b',
    about: 'Redis is away for longer than leases live; listeners go on',
    times: 2,
    options: (random) => ({
      ...usual,
      during: ({ servers }) =>
        again(2, random, 4_000, async () => {
          await servers.redis.down();
          await pause(8_000);
          await servers.redis.up();
        }),
    }),
    seen: told('redis:disconnected'),
  },
  {
    id: 'F11',
    about: 'FLUSHALL, and living agents write back what they hold (`recovery: reseed`)',
    times: 3,
    options: (random) => ({
      ...usual,
      latenessMs: 600_000,
      recovery: 'reseed',
      during: async ({ servers, cluster, names }) => {
        await again(3, random, 6_000, async () => {
          await servers.redis.admin('FLUSHALL');
          await untilAllRun({ cluster, names });
        });
      },
    }),
    seen: told('partition:written-back', 30),
  },
  {
    id: 'F11e',
    about: 'FLUSHALL, and the loss is accepted (`recovery: empty`): partitions go on, without what was half computed',
    times: 1,
    lossAccepted: true,
    options: (random) => ({
      ...usual,
      orderFree: ['all-meters'],
      recovery: 'empty',
      during: async ({ servers, cluster, names }) => {
        await pause(4_000 + 4_000 * random());
        await servers.redis.admin('FLUSHALL');
        // Each partition waits for half a minute, by the entries that come, for what only the lost state knew.
        await pause(60_000);
        await untilAllRun({ cluster, names });
      },
    }),
    seen: (trial) => told('partition:passed-over')(trial) ?? littleIsLost(trial),
  },
  {
    id: 'F12',
    about: 'Redis is replaced by an empty one, refused, and put back; listeners go on',
    times: 2,
    options: (random) => ({
      ...usual,
      latenessMs: 600_000,
      during: ({ servers: { redis } }) =>
        again(2, random, 6_000, async () => {
          await redis.down();
          await redis.hideFile();
          await redis.up();
          // Longer than a warning that repeats is held back.
          await pause(14_000);
          const keys = await redis.admin('KEYS', '*');
          if (!Array.isArray(keys) || keys.length > 0) throw new Error(`something was written there: ${String(keys)}`);
          await redis.down();
          await redis.restoreFile();
          await redis.up();
        }),
    }),
    seen: ({ logs }) => (logs.includes('holds nothing of cluster') ? null : 'nobody said that Redis is empty'),
  },
  {
    id: 'F13',
    about: 'a replica that is behind is promoted by its sentinels: what it did not have is told, and no more than that is lost',
    times: 1,
    lossAccepted: true,
    options: (random) => ({
      ...usual,
      orderFree: ['all-meters'],
      sentinels: true,
      during: async ({ servers, cluster, names }) => {
        await promoteBehind(servers, random);
        // Each partition waits for half a minute for what only the lost commits knew.
        await pause(60_000);
        await untilAllRun({ cluster, names });
      },
    }),
    seen: (trial) => told('partition:went-back')(trial) ?? told('group:recovered')(trial) ?? littleIsLost(trial),
  },
  {
    id: 'F13r',
    about: 'a replica that is behind is promoted, and living agents bring it forward (`recovery: reseed`)',
    times: 1,
    options: (random) => ({
      ...usual,
      latenessMs: 600_000,
      sentinels: true,
      recovery: 'reseed',
      // Whoever is a moment later than the others must find its partitions as it left them.
      timing: 'lease_ttl_ms: 3000, renew_ms: 900, heartbeat_ms: 300, rejoin_grace_ms: 20000',
      during: async ({ servers, cluster, names }) => {
        await promoteBehind(servers, random);
        await untilAllRun({ cluster, names });
        await pause(3_000);
      },
    }),
    seen: (trial) => told('partition:went-back')(trial) ?? told('partition:written-back')(trial),
  },
  {
    id: 'F13s',
    about: 'the primary is killed, and its replica, which is in step, is promoted by its sentinels',
    times: 1,
    options: (random) => ({
      ...usual,
      sentinels: true,
      during: async ({ servers: { redis, sentinels }, cluster, names }) => {
        await pause(4_000 + 2_000 * random());
        await redis.down('SIGKILL');
        await sentinels?.promoted();
        // Whoever asks first recovers it: an agent, and not the one who asks for the status.
        await pause(8_000);
        await untilAllRun({ cluster, names });
      },
    }),
    seen: (trial) => told('group:recovered')(trial) ?? (trial.logs.includes('partition:went-back') ? 'commits were lost' : null),
  },
  {
    id: 'F15',
    about: 'the wire to Redis stands still: half open, for less and for more than a lease lives',
    times: 8,
    options: (random) => ({
      ...usual,
      wires: true,
      during: ({ wires, names }) =>
        again(8, random, 2_500, async () => {
          const wire = wires.get(oneOf(names, random))?.redis;
          wire?.freeze();
          await pause(random() < 0.5 ? 500 : 5_000);
          wire?.thaw();
        }),
    }),
  },
  {
    id: 'F16',
    about: 'Redis does what it was told and its answers are lost',
    times: 12,
    options: (random) => ({
      ...usual,
      wires: true,
      during: ({ wires, names }) =>
        again(12, random, 2_000, async () => {
          const wire = wires.get(oneOf(names, random))?.redis;
          wire?.holdAnswers();
          await pause(200 + random() * 500);
          wire?.cut();
          wire?.thaw();
        }),
    }),
  },
  {
    id: 'F17',
    about: 'Redis has no memory left and takes no commit',
    times: 3,
    options: (random) => ({
      ...usual,
      during: ({ servers }) =>
        again(3, random, 4_000, async () => {
          await servers.redis.admin('CONFIG', 'SET', 'maxmemory', '1mb');
          await pause(6_000);
          await servers.redis.admin('CONFIG', 'SET', 'maxmemory', '0');
        }),
    }),
    seen: ({ logs }) => (logs.includes('redis_out_of_memory') ? null : 'nobody said redis_out_of_memory'),
  },
  {
    id: 'F18',
    about:
      'power is cut under `appendfsync everysec`: what the disk did not have yet is lost, told, and no more than is documented',
    times: 1,
    lossAccepted: true,
    options: (random) => ({
      ...usual,
      orderFree: ['all-meters'],
      during: async ({ servers: { redis }, cluster, names }) => {
        await redis.admin('CONFIG', 'SET', 'appendfsync', 'everysec');
        await pause(4_000 + 2_000 * random());
        // The worst that the setting allows: two seconds that the kernel had not written.
        const flushed = await redis.fileSize();
        await pause(mayBeLostMs);
        await redis.down();
        await redis.cutTail((await redis.fileSize()) - flushed);
        await redis.up();
        // Each partition waits for half a minute for what only the lost commits knew.
        await pause(60_000);
        await untilAllRun({ cluster, names });
      },
    }),
    seen: (trial) => {
      const amiss = told('partition:went-back')(trial) ?? told('group:recovered')(trial);
      const { outputs = 0, lost = [], invented = [], wrong = [] } = trial.raw ?? {};
      const perNotification = (outputs + lost.length) / trial.published;
      // What was in work when the power went, comes on top: a batch of each partition, committed late.
      const bound = Math.ceil(((mayBeLostMs + 1_000) / 1_000) * usual.perSecond * perNotification);
      console.log(
        `lost ${lost.length} outputs of the sink without state; in ${mayBeLostMs} ms and one second of work there are ${bound}`,
      );
      if (amiss !== null) return amiss;
      return lost.length <= bound && invented.length + wrong.length === 0
        ? null
        : `lost ${lost.length}, invented ${invented.length}, wrong ${wrong.length}`;
    },
  },
  {
    id: 'F40',
    about: 'scripts flushed, the user switched off and on, its password changed',
    times: 6,
    options: (random) => ({
      ...usual,
      during: async ({ servers }) => {
        const { redis, user, password } = servers;
        await again(2, random, 3_000, () => void redis.admin('SCRIPT', 'FLUSH'));
        await again(2, random, 3_000, async () => {
          await redis.admin('ACL', 'SETUSER', user, 'off');
          await redis.admin('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          await pause(2_000);
          await redis.admin('ACL', 'SETUSER', user, 'on');
        });
        await again(2, random, 3_000, async () => {
          await redis.admin('ACL', 'SETUSER', user, 'resetpass', '>another');
          await redis.admin('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
          await pause(5_000);
          await redis.admin('ACL', 'SETUSER', user, 'resetpass', `>${password}`);
        });
      },
    }),
    seen: told('group:unreachable'),
  },
];

/** The primary is killed a second after its replica heard of it last, and the replica is promoted. */
async function promoteBehind({ redis, sentinels }: Servers, random: () => number): Promise<void> {
  await pause(4_000 + 2_000 * random());
  sentinels?.wire.freeze();
  await pause(1_000);
  await redis.down('SIGKILL');
  sentinels?.wire.cut();
  await sentinels?.promoted();
}

const mayBeLostMs = 2_000;

/** A sink without state loses what was committed and not yet published, and nothing else. */
function littleIsLost({ raw }: Trial): string | null {
  const { lost = [], invented = [], wrong = [] } = raw ?? {};
  return lost.length <= 500 && invented.length + wrong.length === 0
    ? null
    : `of the sink without state lost ${lost.length}, invented ${invented.length}, wrong ${wrong.length}`;
}
