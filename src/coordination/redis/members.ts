import { num, str } from '../../lib/redis-reply.ts';
import type { AgentIdentity, LivingMember, Member } from '../group.ts';
import type { GroupParts } from './redis-group.ts';
import { heartbeat, leave, readMembers, readTime } from './scripts/members.ts';
import { type MemberRecord, readMember, signMember } from './seals.ts';

/**
 * Who is there. A record is signed together with the store's time and how long it holds from then, so that a copy of it keeps nobody
 * alive who is gone; together with the incarnation, so that it is worth nothing after a recovery; and with a sequence, so that an
 * earlier one of the same boot loses. A record that is not ours does not exist: it is counted.
 */
export class Members {
  readonly #parts: GroupParts;
  #lastSeq = 0;
  /** Per field, the highest sequence read. Of boots that are gone nothing is kept: their records are over by their own time. */
  #seen = new Map<string, number>();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  async heartbeat(member: Member, ttlMs: number): Promise<void> {
    const { standing, keys, ring, connection } = this.#parts;
    const time = await standing.run(readTime, [], () => []);
    const at = num(time.values[0]);
    this.#lastSeq = Math.max(this.#lastSeq + 1, at);
    const seq = this.#lastSeq;
    await standing.run(heartbeat, [keys.members], ({ clusterId, incarnation }) => {
      const record: MemberRecord = { cluster: clusterId, incarnation, seq, at, ttlMs, member };
      return [fieldOf(member), signMember(ring, record), ttlMs];
    });
    standing.compareWithBus();
    connection.compareWithSentinels();
    const sealedBy = str(time.values[1]);
    if (sealedBy !== ring.active) await standing.reseal(sealedBy);
  }

  async leave(identity: AgentIdentity): Promise<void> {
    const { standing, keys } = this.#parts;
    await standing.run(leave, [keys.members], () => [fieldOf(identity)]);
  }

  async living(): Promise<readonly LivingMember[]> {
    const { standing, keys } = this.#parts;
    const { values, mark } = await standing.run(readMembers, [keys.members], () => []);
    const now = num(values[0]);
    const latest = new Map<string, MemberRecord>();
    const seen = new Map<string, number>();
    for (let i = 1; i + 1 < values.length; i += 2) {
      const record = this.#read(str(values[i]), str(values[i + 1]), mark);
      if (record === null) continue;
      seen.set(str(values[i]), record.seq);
      const { agent } = record.member;
      // Two boots of one agent, the earlier not over yet: the name belongs to the later.
      if (record.at + record.ttlMs > now && (latest.get(agent)?.seq ?? -1) < record.seq) latest.set(agent, record);
    }
    this.#seen = seen;
    return [...latest.values()]
      .map(({ member, at, ttlMs }) => ({ member, endsInMs: at + ttlMs - now }))
      .sort((a, b) => (a.member.agent < b.member.agent ? -1 : 1));
  }

  #read(field: string, value: string, mark: Parameters<typeof readMember>[1]): MemberRecord | null {
    const { ring, rejections } = this.#parts;
    const stored = value.slice(value.indexOf('\n') + 1);
    const read = readMember(ring, mark, stored);
    if (!read.ok) {
      rejections.add({ what: 'member', reason: read.reason, where: field, kid: read.kid }, stored);
      return null;
    }
    const { record } = read;
    if (fieldOf(record.member) === field && record.seq >= (this.#seen.get(field) ?? 0)) return record;
    rejections.add({ what: 'member', reason: 'replayed', where: field, kid: '' }, stored);
    return null;
  }
}

/** Two boots of one agent do not overwrite each other, nor does a stranger who took the name of one of us. */
function fieldOf({ agent, boot }: AgentIdentity): string {
  return JSON.stringify([agent, boot]);
}
