import { ComposeProject } from '../deploy/compose-project.ts';
import { composeTrial, shared } from '../deploy/compose-trial.ts';
import { triedDoors } from '../deploy/doors.ts';
import { pause } from '../faults/until.ts';
import type { Verdict } from '../faults/verdict.ts';
import { programCheck } from './program.ts';
import { runChecks, type Tally } from './report.ts';

// docker-compose.yml, really started: three agents share the work, one of them or a server is killed, and the outputs are whole.
// Needs a Docker engine with the compose plugin, found as `docker compose` finds it; without one it fails.
//   npm run test:compose -- [--list] [ID…]

const checks = [
  {
    id: 'config',
    about: 'the compose file is one, with every profile',
    run: () =>
      programCheck('docker', [
        'compose',
        '--profile',
        'demo',
        '--profile',
        'observability',
        '--profile',
        'kafka',
        'config',
        '--quiet',
      ]),
  },
  { id: 'doors', about: 'no user can do more than deploy/ gives it', run: doors },
  {
    id: 'agent',
    about: 'an agent is killed and comes back; all outputs are there',
    run: () => judged(composeTrial('agent', killAgent)),
  },
  {
    id: 'servers',
    about: 'Redis and RabbitMQ are killed and come back; all outputs are there',
    run: () => judged(composeTrial('servers', killServers)),
  },
];

async function killAgent(project: ComposeProject): Promise<void> {
  await pause(10_000);
  await project.must('kill', 'agent-2');
  await shared(project, ['agent-1', 'agent-3']);
  await project.must('up', '--detach', '--wait', 'agent-2');
  await shared(project, ['agent-1', 'agent-2', 'agent-3']);
}

async function killServers(project: ComposeProject): Promise<void> {
  for (const server of ['redis', 'rabbitmq']) {
    await pause(8_000);
    await project.must('kill', server);
    await pause(5_000);
    await project.must('up', '--detach', '--wait', server);
  }
  await shared(project, ['agent-1', 'agent-2', 'agent-3']);
}

async function judged(trial: Promise<Verdict>): Promise<Tally> {
  const { outputs, lost, invented, wrong, doubled, files } = await trial;
  for (const [word, keys] of Object.entries({ lost, invented, wrong }))
    for (const key of keys.slice(0, 5)) console.log(`${word}: ${key}`);
  console.log(`outputs by sink: ${JSON.stringify(files)}`);
  console.log(
    `${outputs} outputs as one process makes them: lost ${lost.length}, invented ${invented.length}, wrong ${wrong.length}`,
  );
  console.log(`${doubled} lines stand there twice, under the same id`);
  const good = outputs > 0 && lost.length + invented.length + wrong.length === 0;
  return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

async function doors(): Promise<Tally> {
  const project = await ComposeProject.make('doors', './test/deploy/pipelines');
  try {
    await project.must('up', '--build', '--detach', '--wait');
    const { right, wrong } = await triedDoors(project);
    for (const what of wrong) console.log(what);
    return { passed: right, failed: wrong.length };
  } finally {
    await project.remove();
  }
}

await runChecks(checks, process.argv.slice(2));
