import { parseArgs } from 'node:util';
import { isGood, soakReload } from '../soak/reload.ts';
import { programCheck } from './program.ts';
import { runChecks, type Tally } from './report.ts';

// The same again and again under load: is anything lost, does memory grow?
//   npm run test:soak -- [--list] [--times N] [--minutes N] [ID…]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, times: { type: 'string' }, minutes: { type: 'string' } },
});

async function reload(): Promise<Tally> {
  const soaked = await soakReload(Number(values.times ?? 1_000), Number(values.minutes ?? 30) * 60_000);
  const { reloads, refused, seconds, fed, sinks, rssAnon, leftAlone } = soaked;
  console.log(`${reloads} reloads in ${seconds} s, ${refused} refused; ${fed} notifications`);
  for (const { sink, outputs, lost, invented } of sinks)
    console.log(`${sink}: ${outputs} outputs, ${lost} lost, ${invented} invented`);
  console.log(`RssAnon in MiB: ${rssAnon.map((one) => `${one.reloads}: ${Math.round(one.kib / 1024)}`).join(', ')}`);
  console.log(`partitions of the sink that never changes were ${leftAlone ? '' : 'not '}left alone`);
  return isGood(soaked) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

const checks = [
  { id: 'build', about: 'compiles src to dist', run: () => programCheck('npm', ['run', '--silent', 'build']) },
  { id: 'reload', about: '1,000 reloads of one agent under load: outputs as a replay has them, memory stays', run: reload },
];
await runChecks(checks, values.list === true ? ['--list'] : positionals);
