import type { Overview } from '../admin/overview.ts';

/** The overview as lines: agents, sinks, targets, then the partitions in which most waits, as many as fit. */
export function topTable(overview: Overview, rows: number, columns: number): readonly string[] {
  const { members, sinks, publishers, partitions, deadLetters } = overview;
  const sum = (of: (member: Overview['members'][number]) => number) => members.reduce((total, member) => total + of(member), 0);
  const waiting = partitions.reduce((total, { entries }) => total + entries, 0);
  const lines = [
    `${new Date(overview.at).toISOString()}  ${overview.cluster}: ${members.length} agents, ${partitions.length} partitions, ` +
      `${rate(sum((member) => member.receivedPerSecond))} notifications/s in, ${rate(sum((member) => member.publishedPerSecond))} outputs/s out, ` +
      `${waiting} entries wait, ${deadLetters.letters} dead letters`,
    '',
    ...columnsOf(
      ['AGENT', 'HOST', 'PID', 'PARTITIONS', 'RECEIVED/s', 'APPLIED/s', 'PUBLISHED/s', 'LETTERS/s'],
      members.map((member) => [
        ...[member.agent, member.host, String(member.pid), String(member.partitions), rate(member.receivedPerSecond)],
        ...[rate(member.appliedPerSecond), rate(member.publishedPerSecond), rate(member.deadLettersPerSecond)],
      ]),
    ),
    '',
    ...columnsOf(
      ['SINK', 'PARTITIONS', 'UNOWNED', 'WAITING', 'FILL', 'OUTBOX', 'KEYS', 'APPLIED/s', 'ACCEPTED/s'],
      sinks.map((sink) => [
        ...[
          sink.direct ? `${sink.sink} (direct)` : sink.sink,
          String(sink.partitions),
          String(sink.unowned),
          String(sink.entries),
        ],
        ...[`${Math.round(sink.fill * 100)} %`, String(sink.outboxItems), String(sink.stateKeys)],
        ...[rate(sink.appliedPerSecond), rate(sink.acceptedPerSecond)],
      ]),
    ),
    '',
    ...columnsOf(
      ['TARGET', 'AGENT', 'ACCEPTED/s', 'PENDING', 'HELD', 'BREAKER', 'LAST ERROR'],
      publishers
        .filter(
          ({ breaker, pendingItems, heldItems, acceptedPerSecond }) =>
            breaker !== 'closed' || pendingItems + heldItems + acceptedPerSecond > 0,
        )
        .map(({ sink, publisher, agent, acceptedPerSecond, pendingItems, heldItems, breaker, lastError }) => [
          ...[`${sink}/${publisher}`, agent, rate(acceptedPerSecond), String(pendingItems), String(heldItems), breaker],
          lastError ?? '',
        ]),
    ),
    '',
    ...columnsOf(
      ['PARTITION', 'OWNER', 'EPOCH', 'WAITING', 'BYTES', 'OUTBOX', ''],
      partitions
        .toSorted((a, b) => urgency(b) - urgency(a) || b.entries - a.entries)
        .map(({ unit, owner, epoch, entries, bytes, outboxItems, trouble }) => [
          ...[unit, owner ?? 'nobody', String(epoch), String(entries), String(bytes), String(outboxItems), trouble?.text ?? ''],
        ]),
    ),
  ];
  return lines.slice(0, rows).map((line) => line.slice(0, columns).trimEnd());
}

/** What stands still comes first. */
function urgency({ owner, trouble }: Overview['partitions'][number]): number {
  return (owner === null ? 2 : 0) + (trouble === null ? 0 : 1);
}

function rate(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

/** Texts to the left, figures to the right. */
function columnsOf(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [head[0] ?? '', '  none'];
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const isFigure = head.map((_, column) => rows.every((row) => /^[\d.]+(?: %)?$/.test(row[column] ?? '')));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => (isFigure[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  );
}
