import type { KeyRing, Signature } from '../../lib/key-ring.ts';
import type { AgentIdentity, Member, Unit } from '../group.ts';
import type { RejectReason } from './rejections.ts';

/** Under what everything else is signed. */
export interface ClusterMark {
  readonly clusterId: string;
  readonly incarnation: number;
}

/** A member's signed words: the exact text is signed, so no two ways to write the same record matter. */
export interface MemberRecord {
  readonly cluster: string;
  readonly incarnation: number;
  /** Never lower in a later record of the same boot. */
  readonly seq: number;
  /** The store's time when it was signed; the member is alive for `ttlMs` from then. */
  readonly at: number;
  readonly ttlMs: number;
  readonly member: Member;
}

export function signMember(ring: KeyRing, record: MemberRecord): string {
  const text = JSON.stringify(record);
  const { kid, mac } = ring.sign('member', text);
  return `${kid}\n${mac}\n${text}`;
}

export type ReadMember =
  | { readonly ok: true; readonly record: MemberRecord }
  | { readonly ok: false; readonly reason: RejectReason; readonly kid: string };

/** Nothing of a record is looked at before its signature; then it must be of this cluster and of this incarnation. */
export function readMember(ring: KeyRing, mark: ClusterMark, signed: string): ReadMember {
  const shape = /^([^\n]*)\n([^\n]*)\n(.*)$/s.exec(signed);
  if (shape === null) return { ok: false, reason: 'malformed', kid: '' };
  const [, kid = '', mac = '', text = ''] = shape;
  const bad = judge(ring, { kid, mac }, 'member', text);
  if (bad !== null) return { ok: false, reason: bad, kid };
  const record = JSON.parse(text) as MemberRecord;
  if (record.cluster !== mark.clusterId) return { ok: false, reason: 'wrong_cluster', kid };
  if (record.incarnation !== mark.incarnation) return { ok: false, reason: 'other_incarnation', kid };
  return { ok: true, record };
}

export interface LeaseClaim extends AgentIdentity {
  readonly unit: Unit;
  readonly epoch: string;
  readonly plan: string;
  readonly incarnation: string;
}

export function signLease(ring: KeyRing, clusterId: string, claim: LeaseClaim): Signature {
  return ring.sign(...leaseParts(clusterId, claim));
}

export function judgeLease(ring: KeyRing, clusterId: string, claim: LeaseClaim, signature: Signature): RejectReason | null {
  return judge(ring, signature, ...leaseParts(clusterId, claim));
}

function leaseParts(clusterId: string, { unit, agent, boot, epoch, plan, incarnation }: LeaseClaim): readonly string[] {
  return ['lease', clusterId, incarnation, unit, agent, boot, epoch, plan];
}

export function signPlan(ring: KeyRing, clusterId: string, version: number, owners: string): Signature {
  return ring.sign('plan', clusterId, String(version), owners);
}

export function judgePlan(
  ring: KeyRing,
  clusterId: string,
  version: number,
  owners: string,
  signature: Signature,
): RejectReason | null {
  return judge(ring, signature, 'plan', clusterId, String(version), owners);
}

/** The seal of the cluster itself: an agent whose keys do not know it is a stranger here, and must not touch anything. */
export function signCluster(ring: KeyRing, clusterId: string): Signature {
  return ring.sign('cluster', clusterId);
}

export function judgeCluster(ring: KeyRing, clusterId: string, signature: Signature): RejectReason | null {
  return judge(ring, signature, 'cluster', clusterId);
}

/** Without the incarnation: what was accepted stays accepted when Redis was restarted. */
export function signMail(ring: KeyRing, clusterId: string, mail: string): Signature {
  return ring.sign('mail', clusterId, mail);
}

export function judgeMail(ring: KeyRing, clusterId: string, mail: string, signature: Signature): RejectReason | null {
  return judge(ring, signature, 'mail', clusterId, mail);
}

function judge(ring: KeyRing, signature: Signature, ...parts: readonly string[]): RejectReason | null {
  if (!ring.knows(signature.kid)) return 'unknown_key';
  return ring.verify(signature, ...parts) ? null : 'bad_signature';
}
