import type { InputNow, MailNow, MemberNow, Overview, PartitionNow, PublisherNow, SinkNow, SpoolNow } from '../admin/overview.ts';
import type { Member } from '../coordination/group.ts';
import type { ClusterView, PartitionView } from './cluster-view.ts';
import { figuresOf, type MemberFigures } from './figures.ts';
import { acceptedBy, appliedOf, type Rates } from './rates.ts';

export interface OverviewParts {
  readonly view: ClusterView;
  readonly rates: Rates;
  readonly at: number;
  readonly cluster: string;
  readonly servedBy: Overview['servedBy'];
  readonly mail: MailNow | null;
  readonly spool: SpoolNow | null;
}

interface Speaking {
  readonly member: Member;
  readonly figures: MemberFigures;
}

/** What the stores say of members and partitions, and what every member says of itself, fitted together. */
export function overviewOf({ view, rates, at, cluster, servedBy, mail, spool }: OverviewParts): Overview {
  const speaking = view.members.flatMap((member): Speaking[] => {
    const figures = figuresOf(member);
    return figures === null ? [] : [{ member, figures }];
  });
  const keys = new Map(
    speaking.flatMap(({ member, figures }) => Object.entries(figures.keys).map(([unit, n]) => [`${member.boot} ${unit}`, n])),
  );
  const partitions = view.partitions.map(
    ({ expiresInMs, ...partition }): PartitionNow => ({
      ...partition,
      expiresInMs,
      stateKeys: keys.get(`${partition.boot} ${partition.unit}`) ?? null,
    }),
  );
  const publishers = speaking.flatMap(({ member, figures }) => publishersOf(member, figures, rates));
  const { letters, bytes, evicted, byReason } = view.deadLetters;
  return {
    version: 1,
    at,
    cluster,
    servedBy,
    members: view.members.map((member) => memberNow(member, view.partitions, rates)),
    partitions,
    sinks: sinksOf(speaking, partitions, publishers, rates),
    publishers,
    inputs: speaking.flatMap(({ member, figures }): InputNow[] =>
      figures.inputs.map((input) => ({ agent: member.agent, ...input })),
    ),
    deadLetters: { letters, bytes, evicted, byReason: { ...byReason } },
    mail,
    spool,
  };
}

function memberNow(member: Member, partitions: readonly PartitionView[], rates: Rates): MemberNow {
  const { agent, boot, host, pid, build, weight, facts } = member;
  const count = (name: string) => Number(facts[name] ?? 0);
  return {
    agent,
    boot,
    host,
    pid,
    build,
    weight,
    admin: facts['admin'] ?? null,
    partitions: partitions.filter((partition) => partition.boot === boot).length,
    received: count('received'),
    applied: count('applied'),
    published: count('published'),
    deadLetters: count('letters'),
    receivedPerSecond: rates.of(boot, 'received'),
    appliedPerSecond: rates.of(boot, 'applied'),
    publishedPerSecond: rates.of(boot, 'published'),
    deadLettersPerSecond: rates.of(boot, 'letters'),
  };
}

function publishersOf(member: Member, { lanes }: MemberFigures, rates: Rates): PublisherNow[] {
  return lanes.map(({ name, ...lane }) => ({
    agent: member.agent,
    ...lane,
    publisher: name,
    acceptedPerSecond: rates.of(member.boot, acceptedBy(lane.sink, name)),
  }));
}

function sinksOf(
  speaking: readonly Speaking[],
  partitions: readonly PartitionNow[],
  publishers: readonly PublisherNow[],
  rates: Rates,
): SinkNow[] {
  const names = new Set([
    ...speaking.flatMap(({ figures }) => figures.sinks.map(({ sink }) => sink)),
    ...partitions.map(({ sink }) => sink),
  ]);
  return [...names].sort().map((sink): SinkNow => {
    const own = partitions.filter((partition) => partition.sink === sink);
    const targets = publishers.filter((publisher) => publisher.sink === sink);
    const known = speaking.flatMap(({ figures }) => figures.sinks).find((figures) => figures.sink === sink);
    const sum = (of: (partition: PartitionNow) => number) => own.reduce((total, partition) => total + of(partition), 0);
    return {
      sink,
      from: known?.from ?? null,
      direct: known?.direct ?? false,
      partitions: own.length,
      unowned: own.filter(({ owner }) => owner === null).length,
      troubled: own.filter(({ trouble }) => trouble !== null).length,
      entries: sum(({ entries }) => entries),
      bytes: sum(({ bytes }) => bytes),
      fill: Math.max(0, ...own.map(({ bytes, boundBytes }) => (boundBytes === 0 ? 0 : bytes / boundBytes))),
      outboxItems: sum(({ outboxItems }) => outboxItems),
      stateKeys: sum(({ stateKeys }) => stateKeys ?? 0),
      publishers: [...new Set(targets.map(({ publisher }) => publisher))],
      appliedPerSecond: round(speaking.reduce((total, { member }) => total + rates.of(member.boot, appliedOf(sink)), 0)),
      acceptedPerSecond: round(targets.reduce((total, { acceptedPerSecond }) => total + acceptedPerSecond, 0)),
    };
  });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
