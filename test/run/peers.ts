import { programCheck } from './program.ts';
import { runChecks, type Tally } from './report.ts';
import { runVitest } from './vitest-run.ts';

// Software that we speak with, the real one: `npm run test:peers -- NAME`. One that cannot be had is a failure, never a skip.

const peers: readonly Peer[] = [
  {
    id: 'oslo',
    about: 'oslo.messaging notifies through RabbitMQ, in both message formats',
    servers: ['rabbitmq'],
    tests: ['test/integration/oslo.it.test.ts'],
  },
  {
    id: 'ceilometer',
    about: 'Ceilometer 27 reads the same RabbitMQ: the same samples and events, and what it costs; Aodh hears our events',
    servers: ['rabbitmq'],
    tests: ['test/peers/ceilometer/'],
  },
  {
    id: 'gnocchi',
    about: 'a real Gnocchi takes samples and events',
    servers: ['postgres', 'rabbitmq', 'redis'],
    tests: ['test/peers/gnocchi/'],
  },
  {
    id: 'icinga2',
    about:
      'Icinga 2 behind the Livestatus proxy: same bytes, no starved checks, frozen and thawed; python-mk-livestatus as a client',
    servers: ['icinga2'],
    tests: ['test/peers/livestatus/'],
  },
  {
    id: 'fluent',
    about: "@fluent-org/logger as client and server, IBM's Go client, a stock server that pulls",
    servers: [],
    tests: ['test/peers/fluent/'],
  },
  {
    id: 'rsyslog',
    about: 'RELP from a source to rsyslog and from rsyslog to a sink, either of them away for a while',
    servers: [],
    tests: ['test/peers/rsyslog/'],
  },
  {
    id: 'postfix',
    about: 'Postfix takes our mails over verified TLS: each recipient once, refusals one by one, too large, too many at once',
    servers: ['postfix'],
    tests: ['test/peers/mail/postfix.it.test.ts'],
  },
  {
    id: 'aiosmtpd',
    about: 'aiosmtpd takes our mails: each once, the refused recipient apart, hostile bytes as they were given',
    servers: [],
    tests: ['test/peers/mail/aiosmtpd.test.ts'],
  },
  {
    id: 'kafka',
    about: 'Kafka 4: input, publisher, internal topics, a whole cluster on it; what is said where kafkajs is not installed',
    servers: ['kafka'],
    tests: ['test/integration/kafka-'],
  },
];

interface Peer {
  readonly id: string;
  readonly about: string;
  readonly servers: readonly string[];
  readonly tests: readonly string[];
}

async function peerCheck({ servers, tests }: Peer): Promise<Tally> {
  const built = await programCheck('npm', ['run', '--silent', 'build']);
  if (built.failed > 0) return built;
  return await runVitest(
    tests,
    servers.length === 0 ? {} : { before: ['bash', 'test/services/services.sh', 'run', ...servers, '--'] },
  );
}

await runChecks(
  peers.map((peer) => ({ id: peer.id, about: peer.about, run: () => peerCheck(peer) })),
  process.argv.slice(2),
);
