import { describe, expect, it } from 'vitest';
import { requireNeighbours, spokenProtocol } from '../../../src/agent/protocol.ts';

const groupOf = (...protocols: readonly number[]) => ({
  members: async () =>
    protocols.map((protocol, i) => ({
      ...{ agent: `a${i}`, boot: `b${i}`, weight: 1, protocol, build: '0.1.0', host: 'compute-1', pid: 1, facts: {} },
    })),
});

describe('the protocol of an agent', () => {
  it.each([[[]], [[4]], [[5, 5]], [[6, 4]]])('lets it work with agents of %j when it is 5', async (others) => {
    await expect(requireNeighbours(groupOf(...others), 5)).resolves.toBeUndefined();
  });

  it('keeps it out where an agent lives that is two apart, and names that one', async () => {
    await expect(requireNeighbours(groupOf(5, 3), 5)).rejects.toMatchObject({
      class: 'fatal',
      code: 'protocol_differs',
      message: expect.stringContaining('a1 on compute-1 (0.1.0, protocol 3) is running'),
    });
  });

  it('does not keep it out while nobody can say who lives', async () => {
    const away = { members: () => Promise.reject(new Error('away')) };

    await expect(requireNeighbours(away, spokenProtocol({}))).resolves.toBeUndefined();
  });
});
