import type { InputNow, Overview, PartitionNow, Point, PublisherNow, SinkNow } from '../admin/overview.ts';
import { byId } from './dom.ts';
import { bytes, duration, rate, whole } from './format.ts';
import { sparkline } from './plot.ts';
import { type Cell, type Column, drawTable } from './table.ts';

const sparkPoints = 120;

export function drawSinks(now: Overview, points: readonly Point[]): void {
  const lately = points.slice(-sparkPoints);
  const columns: readonly Column<SinkNow>[] = [
    { name: 'sink', show: ({ sink }) => sink },
    { name: 'state', show: sinkState },
    { name: 'of', show: ({ from, direct }) => `${from ?? '?'}${direct ? ', direct' : ''}` },
    { name: 'in /s', number: true, show: ({ appliedPerSecond, direct }) => (direct ? '' : rate(appliedPerSecond)) },
    { name: 'out /s', number: true, show: ({ acceptedPerSecond }) => rate(acceptedPerSecond) },
    {
      name: 'out, lately',
      show: ({ sink }) => ({ text: '', picture: sparkline(lately.map(({ sinks }) => sinks[sink]?.accepted ?? 0)) }),
    },
    {
      name: 'waiting',
      number: true,
      show: ({ entries, direct }) => (direct ? '' : { text: whole(entries), ...(entries > 1_000 ? { tone: 'warning' } : {}) }),
    },
    {
      name: 'of its bound',
      number: true,
      show: ({ fill, direct }) => (direct ? '' : { text: `${whole(fill * 100)} %`, share: fill }),
    },
    { name: 'outbox', number: true, show: ({ outboxItems, direct }) => (direct ? '' : whole(outboxItems)) },
    { name: 'keys', number: true, show: ({ stateKeys, direct }) => (direct ? '' : whole(stateKeys)) },
    { name: 'partitions', number: true, show: ({ partitions, direct }) => (direct ? '' : whole(partitions)) },
  ];
  drawTable(byId('sinks'), columns, now.sinks, ({ sink }) => sink, 'No agent runs a sink.');
}

function sinkState({ unowned, troubled, fill }: SinkNow): Cell {
  if (unowned > 0) return { text: `${unowned} unowned`, tone: 'critical' };
  if (troubled > 0) return { text: `${troubled} in trouble`, tone: 'critical' };
  if (fill >= 0.8) return { text: 'nearly full', tone: 'warning' };
  return { text: 'well', tone: 'good' };
}

/** One row per sink and target: over all agents, and who of them is worst off. */
interface Target {
  readonly sink: string;
  readonly publisher: string;
  readonly kind: string;
  readonly all: readonly PublisherNow[];
}

export function drawTargets(now: Overview): void {
  const targets = new Map<string, Target & { all: PublisherNow[] }>();
  for (const one of now.publishers) {
    const key = `${one.sink}/${one.publisher}`;
    const target = targets.get(key) ?? { sink: one.sink, publisher: one.publisher, kind: one.kind, all: [] };
    target.all.push(one);
    targets.set(key, target);
  }
  const sum = ({ all }: Target, of: (one: PublisherNow) => number) => all.reduce((total, one) => total + of(one), 0);
  const columns: readonly Column<Target>[] = [
    { name: 'target', show: ({ sink, publisher, kind }) => `${sink} → ${publisher}${kind === publisher ? '' : ` (${kind})`}` },
    { name: 'breaker', show: breakerOf },
    { name: 'taken /s', number: true, show: (target) => rate(sum(target, ({ acceptedPerSecond }) => acceptedPerSecond)) },
    { name: 'waiting', number: true, show: (target) => whole(sum(target, ({ pendingItems }) => pendingItems)) },
    { name: 'on disk', number: true, show: (target) => whole(sum(target, ({ heldItems }) => heldItems)) },
    { name: 'tried again', number: true, show: (target) => counted(sum(target, ({ retries }) => retries)) },
    { name: 'dead', number: true, show: (target) => counted(sum(target, ({ deadLetters, dropped }) => deadLetters + dropped)) },
  ];
  const rank = (target: Target) => (breakerOf(target).tone === 'good' ? 1 : 0);
  const rows = [...targets.values()].sort((a, b) => rank(a) - rank(b));
  drawTable(byId('targets'), columns, rows, ({ sink, publisher }) => `${sink}/${publisher}`, 'No agent has a target.');
}

function breakerOf({ all }: Target): Cell {
  const bad = all.filter(({ breaker, failures }) => breaker !== 'closed' || failures > 0);
  const [worst] = bad;
  if (worst === undefined) return { text: 'closed', tone: 'good' };
  const title = bad.map(({ agent, lastError }) => `${agent}: ${lastError ?? 'fails'}`).join('\n');
  const open = bad.filter(({ breaker }) => breaker !== 'closed').length;
  if (open === 0) return { text: 'failing', tone: 'warning', title };
  return { text: open === all.length ? 'open' : `open in ${open} of ${all.length}`, tone: 'critical', title };
}

function counted(n: number): string | Cell {
  return n === 0 ? '0' : { text: whole(n), tone: 'warning' };
}

export function drawInputs(now: Overview): void {
  const tones = { starting: 'quiet', connected: 'good', disconnected: 'critical', blocked: 'warning' } as const;
  const columns: readonly Column<InputNow>[] = [
    { name: 'input', show: ({ input }) => input },
    { name: 'agent', show: ({ agent }) => agent },
    { name: 'state', show: ({ state }) => ({ text: state, tone: tones[state] }) },
    { name: 'for', number: true, show: ({ since }) => duration(now.at - since) },
    { name: 'where', show: ({ detail }) => ({ text: detail ?? '', tone: 'quiet' }) },
  ];
  drawTable(byId('inputs'), columns, now.inputs, ({ agent, input }) => `${agent} ${input}`, 'No agent has an input.');
}

export function drawPartitions(now: Overview): void {
  const columns: readonly Column<PartitionNow>[] = [
    { name: 'partition', show: ({ sink, partition }) => `${sink} ${partition}` },
    { name: 'owner', show: ({ owner }) => (owner === null ? { text: 'nobody', tone: 'critical' } : owner) },
    { name: 'epoch', number: true, show: ({ epoch }) => whole(epoch) },
    { name: 'waiting', number: true, show: ({ entries }) => whole(entries) },
    { name: 'oldest', number: true, show: ({ oldestAt }) => (oldestAt === null ? '' : duration(now.at - oldestAt)) },
    {
      name: 'size',
      number: true,
      show: ({ bytes: size, boundBytes }) => ({ text: bytes(size), share: boundBytes === 0 ? 0 : size / boundBytes }),
    },
    { name: 'keys', number: true, show: ({ stateKeys }) => (stateKeys === null ? '?' : whole(stateKeys)) },
    { name: 'commits', number: true, show: ({ stateVersion }) => whole(stateVersion) },
    { name: 'outbox', number: true, show: ({ outboxItems }) => whole(outboxItems) },
    {
      name: 'trouble',
      show: ({ trouble }) =>
        trouble === null ? '' : { text: trouble.text, tone: trouble.kind === 'failed' ? 'critical' : 'warning' },
    },
  ];
  drawTable(byId('partitions'), columns, now.partitions, ({ unit }) => unit, 'There are no partitions.');
}
