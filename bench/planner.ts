import { parseArgs } from 'node:util';
import { planOwners } from '../src/core/partition/plan.ts';
import { bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { machine, machineLine, rounded } from './process-figures.ts';

/**
 * What a plan costs in a group far larger than one will be: the first one, and those after one member joined or left. Any member computes it,
 * a second after the membership changed, on the thread that also renews its leases: that is why it must be quick.
 *
 *     node --import tsx bench/planner.ts [--json] [--agents 1000] [--partitions 100000]
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    agents: { type: 'string', default: '1000' },
    partitions: { type: 'string', default: '100000' },
  },
});
const [agents, partitions] = [Number(values.agents), Number(values.partitions)];

type Owners = Readonly<Record<string, string>>;
interface Row {
  readonly what: string;
  readonly seconds: number;
  readonly moves: number;
  readonly allowed: number;
  readonly spread: number;
}

endTogether();
const begun = machine();
const units = Array.from({ length: partitions }, (_, i) => `cg.ceilograph.sink-${i % 100}.g1.p${Math.floor(i / 100)}`);
const names = Array.from({ length: agents }, (_, i) => `agent-${i}`);
const rows: Row[] = [];

/** `allowed`: how many units may have another owner than before. */
function plan(what: string, present: readonly string[], previous: Owners, allowed: number): Owners {
  const members = present.map((agent) => ({ agent, weight: 1 }));
  const from = performance.now();
  const owners = planOwners({ units, members, previous });
  const seconds = rounded((performance.now() - from) / 1000, 3);
  const loads = new Map(present.map((agent) => [agent, 0]));
  for (const unit of units) loads.set(owners[unit] ?? '', (loads.get(owners[unit] ?? '') ?? 0) + 1);
  const moves = units.filter((unit) => Object.hasOwn(previous, unit) && previous[unit] !== owners[unit]).length;
  const spread = Math.max(...loads.values()) - Math.min(...loads.values());
  rows.push({ what, seconds, moves, allowed, spread });
  process.stderr.write(`${what}: ${seconds} s, ${moves} moves\n`);
  return owners;
}

const share = Math.ceil(partitions / agents);
const first = plan('first plan', names, {}, 0);
const joined = plan('one joins', [...names, 'newcomer'], first, share);
plan('one leaves', names, joined, share);
plan('nothing changed', names, first, 0);
const tenth = Math.ceil(agents / 10);
plan('a tenth leaves at once', names.slice(tenth), first, tenth * share);

const seconds = (what: string) => rows.find((row) => row.what === what)?.seconds ?? Number.POSITIVE_INFINITY;
const over = Math.max(...rows.map(({ moves, allowed }) => moves - allowed));
const bars = [
  bar('seconds for the first plan', seconds('first plan'), 20),
  bar('seconds for the plan after one joined', seconds('one joins'), 1),
  bar('seconds for the plan after one left', seconds('one leaves'), 1),
  bar('moves beyond ceil(units / members) for each that joined or left', Math.max(0, over), 0),
  bar('units between the fullest and the emptiest member', Math.max(...rows.map(({ spread }) => spread)), 1),
];
process.stdout.write(`${agents} agents, ${partitions} partitions; ${machineLine(begun)}\n\n`);
for (const { what, seconds: took, moves, allowed, spread } of rows)
  process.stdout.write(
    `  ${what.padEnd(24)}${`${took} s`.padStart(10)}${`${moves} moves`.padStart(14)}, allowed ${allowed}, spread ${spread}\n`,
  );
process.stdout.write(`${barLines(bars)}\n`);
if (values.json) process.stdout.write(`${JSON.stringify({ name: 'planner', agents, partitions, rows, bars })}\n`);
process.exitCode = bars.every(({ held }) => held) ? 0 : 1;
