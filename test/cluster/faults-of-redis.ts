import { pause } from '../faults/until.ts';
import { again, type ClusterFault, oneOf, told, usual } from './cluster-fault.ts';

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
