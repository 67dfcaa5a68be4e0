import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type FastifyInstance, fastify } from 'fastify';
import { readEntry } from '../../src/core/spool/entry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { printJson } from '../../src/model/json-text.ts';
import { file } from '../../src/publishers/file/index.ts';
import { FileSchema } from '../../src/publishers/file/schema.ts';
import { httpPublisher } from '../../src/publishers/http/index.ts';
import { HttpSchema } from '../../src/publishers/http/schema.ts';
import { mail } from '../../src/publishers/mail/index.ts';
import { MailSchema } from '../../src/publishers/mail/schema.ts';
import { spool } from '../../src/publishers/spool/index.ts';
import { SpoolSchema } from '../../src/publishers/spool/schema.ts';
import { openStdout } from '../../src/publishers/stdout/index.ts';
import { openSpoolPlace } from '../../src/services/spooler/spool-place.ts';
import { until } from '../faults/until.ts';
import { QueueRig, server } from '../mail/queue-rig.ts';
import { ScriptedServer } from '../mail/scripted-server.ts';
import { type Arrived, type PublisherRig, publisherContract } from './publisher.contract.ts';

const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random, baseDir: '/' } as const;

/** Read as text, since `JSON.parse` would lose what the suite looks at. */
function arrivedIn(text: string): Arrived[] {
  const found = text.matchAll(/"volume":([^,]+),.*?"id":"([^"]+)"/g);
  return [...found].map(([, volume = '', id = '']) => ({ id, volume }));
}

async function fileRig(): Promise<PublisherRig> {
  const directory = await mkdtemp(join(tmpdir(), 'file-publisher-'));
  const path = join(directory, 'deep/out.jsonl');
  return {
    open: () => file.open(FileSchema.parse({ path }), context),
    arrived: async () => arrivedIn(await readFile(path, 'utf8')),
    leavesOutRepetitions: true,
    close: () => rm(directory, { recursive: true }),
  };
}

async function stdoutRig(): Promise<PublisherRig> {
  let text = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  return {
    open: async () => openStdout(stream),
    arrived: async () => arrivedIn(text),
    leavesOutRepetitions: false,
    close: async () => undefined,
  };
}

const httpRig = (format: 'array' | 'ndjson') => async (): Promise<PublisherRig> => {
  let server: FastifyInstance | undefined;
  let port = 0;
  const bodies: string[] = [];
  const keys: string[] = [];
  const refused = new Set<string>();
  const listen = async () => {
    server = fastify({ forceCloseConnections: true });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    server.post('/in', async (request, reply) => {
      const body = String(request.body);
      if (format === 'array') JSON.parse(body);
      if ([...refused].some((id) => body.includes(`"id":"${id}"`))) return reply.code(422).send('no');
      keys.push(String(request.headers['idempotency-key']));
      bodies.push(body);
      return reply.code(202).send();
    });
    port = Number(new URL(await server.listen({ port, host: '127.0.0.1' })).port);
  };
  await listen();
  const open = (url: string) => httpPublisher.open(HttpSchema.parse({ url, format, timeout_ms: 2_000 }), context);
  return {
    open: () => open(`http://127.0.0.1:${port}/in`),
    arrived: async () => bodies.flatMap((body) => arrivedIn(body.replaceAll('},{"name"', '}\n{"name"'))),
    batchIds: async () => keys,
    leavesOutRepetitions: false,
    refuse: (id) => refused.add(id),
    fail: async () => {
      await server?.close();
    },
    heal: listen,
    openNowhere: () => open('http://127.0.0.1:1/in'),
    close: async () => {
      await server?.close();
    },
  };
};

async function spoolRig(): Promise<PublisherRig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spool-publisher-'));
  const place = await openSpoolPlace({ dataDir, clock: systemClock });
  return {
    open: () => spool.open(SpoolSchema.parse({}), { ...context, dataDir }),
    arrived: async () =>
      [...place.spool.list()].flatMap(({ row }) => {
        const text = printJson(readEntry(row.entry).record);
        return [...text.matchAll(/"counter_volume":([^,]+),"message_id":"([^"]+)"/g)].map(([, volume = '', id = '']) => ({
          id,
          volume,
        }));
      }),
    leavesOutRepetitions: false,
    close: async () => {
      await place.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** What was taken is in the queue, and arrives when it is sent: one mail an item, in order over one session. */
async function mailRig(): Promise<PublisherRig> {
  const smtp = await new ScriptedServer().listen();
  const queue = await QueueRig.open([server(smtp.port, { sessions: 1 })]);
  queue.start();
  const notify = [{ to: 'ops@test.example', body: '{{json}}', rate: 'off' }];
  return {
    open: () => mail.open(MailSchema.parse({ notify }), { ...context, mail: queue.queue }),
    arrived: async () => {
      await until(() => queue.queue.operator.stats().deliveries === 0, 10_000, 'not all was sent');
      return smtp.taken.flatMap(({ bytes }) => arrivedIn(bytes.toString().replaceAll('=\r\n', '').replaceAll('=3D', '=')));
    },
    leavesOutRepetitions: true,
    close: async () => {
      await queue.stop();
      await smtp.close();
    },
  };
}

publisherContract('spool', spoolRig, { refuses: false, fails: false, hasIds: false });
publisherContract('mail', mailRig, { refuses: false, fails: false, hasIds: false });
publisherContract('file', fileRig, { refuses: false, fails: false, hasIds: false });
publisherContract('stdout', stdoutRig, { refuses: false, fails: false, hasIds: false });
publisherContract('http, as an array', httpRig('array'), { refuses: true, fails: true, hasIds: true });
publisherContract('http, as lines', httpRig('ndjson'), { refuses: true, fails: true, hasIds: true });
