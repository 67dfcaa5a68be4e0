import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcceptedMails } from '../../src/model/mail.ts';

/** A cluster whose agents have what `agent` gives. */
export interface AcceptedMailsWorld {
  /** Remembers so many mails at most. */
  readonly bound: number;
  agent(): Promise<AcceptedMails>;
  dispose(): Promise<void>;
}

/** What everything owes that tells agents which mails are accepted. */
export function acceptedMailsContract(name: string, makeWorld: () => Promise<AcceptedMailsWorld>): void {
  describe(`accepted mails: ${name}`, () => {
    let world: AcceptedMailsWorld;
    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.dispose());

    it('are known to every agent, and no others', async () => {
      const [first, second] = [await world.agent(), await world.agent()];
      expect(await second.accepted(['one'])).toEqual(new Set());
      await first.remember(['one', 'two']);
      await second.remember(['three']);

      for (const agent of [first, second])
        expect(await agent.accepted(['zero', 'three', 'one', 'four'])).toEqual(new Set(['one', 'three']));
    });

    it('may be told again, and asked about in any number', async () => {
      const agent = await world.agent();
      const many = Array.from({ length: 1_200 }, (_, i) => `mail ${i}`);
      await agent.remember(['mail 700', 'mail 3']);
      await agent.remember(['mail 3']);

      expect(await agent.accepted(many)).toEqual(new Set(['mail 3', 'mail 700']));
      expect(await agent.accepted([])).toEqual(new Set());
    });

    it('are remembered up to a bound; the oldest are forgotten', async () => {
      const agent = await world.agent();
      const names = Array.from({ length: world.bound + 3 }, (_, i) => `mail ${i}`);
      await agent.remember(names.slice(0, 10));
      await agent.remember(names.slice(5));

      expect([...(await agent.accepted(names))]).toEqual(names.slice(3));
    });
  });
}
