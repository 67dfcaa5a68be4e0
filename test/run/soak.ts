import { parseArgs } from 'node:util';
import { isSound, soakAgent } from '../soak/agent.ts';
import { isGood, soakReload } from '../soak/reload.ts';
import { programCheck, runProgram } from './program.ts';
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

/** Without a broker at hand, the same once more behind one of its own. */
async function agent(): Promise<Tally> {
  const url = process.env['AMQP_URL'];
  const minutes = Number(values.minutes ?? 30);
  if (url === undefined) {
    const own = ['npx', 'tsx', 'test/run/soak.ts', 'agent', '--minutes', `${minutes}`];
    const command = ['test/services/services.sh', 'run', 'rabbitmq', '--', ...own];
    const { code } = await runProgram('bash', command, {}, (minutes + 10) * 60_000);
    return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  }
  const soaked = await soakAgent(url, minutes);
  const { perSecond, fed, lost, doubled, kills, recovered, slopeMiBPerMinute, loopP99Ms } = soaked;
  console.log(`${fed} notifications at ${perSecond} a second, ${kills} kills: ${lost} lost, ${doubled} doubled`);
  console.log(`everything out again after a kill: ${recovered.map((seconds) => `${seconds ?? 'never'} s`).join(', ')}`);
  console.log(`RssAnon of who lived grew by ${slopeMiBPerMinute.toFixed(2)} MiB a minute over the last two thirds`);
  console.log(`p99 of its event loop, minute by minute: ${loopP99Ms.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  return isSound(soaked) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

const checks = [
  { id: 'build', about: 'compiles src to dist', run: () => programCheck('npm', ['run', '--silent', 'build']) },
  { id: 'reload', about: '1,000 reloads of one agent under load: outputs as a replay has them, memory stays', run: reload },
  { id: 'agent', about: '60 % load, a kill every minute: nothing lost or doubled, memory stays, the loop turns', run: agent },
];
await runChecks(checks, values.list === true ? ['--list'] : positionals);
