import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packEntry } from '../../src/core/spool/entry.ts';
import { file } from '../../src/inputs/file/index.ts';
import { FileInputSchema } from '../../src/inputs/file/schema.ts';
import { http } from '../../src/inputs/http/index.ts';
import { HttpInputSchema } from '../../src/inputs/http/schema.ts';
import type { InputContext } from '../../src/inputs/input.ts';
import { spool } from '../../src/inputs/spool/index.ts';
import { SpoolInputSchema } from '../../src/inputs/spool/schema.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { parseJson } from '../../src/model/json-text.ts';
import { openSpoolPlace } from '../../src/services/spooler/spool-place.ts';
import { describeInput, Listener } from './input.contract.ts';

describeInput('file', { ends: true, givenBack: 'comes again', canary: false }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'file-input-'));
  const path = join(folder, 'in.jsonl');
  const open = (context: InputContext, prefetch: number) =>
    file.open(FileInputSchema.parse({ path, prefetch }), { ...context, dataDir: folder });
  return {
    open,
    feed: (bodies) => writeFile(path, bodies.map((body) => `${body}\n`).join('')),
    async kept() {
      const reader = new Listener();
      reader.onDelivery = (delivery) => delivery.settle();
      const input = await open(reader.context, 100);
      await input.run();
      await input.close();
      return reader.bodies;
    },
    close: () => rm(folder, { recursive: true }),
  };
});

describeInput('spool', { ends: false, givenBack: 'comes again', canary: false }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'spool-input-'));
  const place = await openSpoolPlace({ dataDir, clock: systemClock });
  const open = (context: InputContext, prefetch: number) =>
    spool.open(SpoolInputSchema.parse({ prefetch }), { ...context, dataDir });
  return {
    open,
    async feed(bodies) {
      const entries = bodies.map((body, index) => {
        const context = parseJson(body) as JsonObject;
        return { id: String(index), entry: packEntry({ uuid: String(index), site: 'east', hops: 0, atMs: 1, context }) };
      });
      await place.arrivals.take(entries.map((one) => ({ ...one, tag: 'ceilograph', peer: 'east' })));
    },
    async kept() {
      const reader = new Listener();
      const input = await open(reader.context, 100);
      const running = input.run();
      await reader.until(() => reader.deliveries.length === place.arrivals.count());
      reader.hard();
      await running;
      await input.close();
      return reader.bodies;
    },
    async close() {
      await place.close();
      await rm(dataDir, { recursive: true });
    },
  };
});

describeInput('http', { ends: false, givenBack: 'is refused', canary: false }, async () => {
  let url = '';
  const posts: { readonly body: string; readonly status: Promise<number> }[] = [];
  return {
    open(context, prefetch) {
      const parameters = HttpInputSchema.parse({ port: 0, prefetch, settle_timeout_ms: 10_000, room_timeout_ms: 10_000 });
      const report: InputContext['report'] = (event) => {
        if (event.kind === 'connected') url = event.detail;
        context.report(event);
      };
      return http.open(parameters, { ...context, report });
    },
    async feed(bodies) {
      for (const body of bodies) {
        const headers = { 'content-type': 'application/json' };
        // A broken connection is a refusal too.
        const status = fetch(url, { method: 'POST', headers, body }).then(
          (answer) => answer.status,
          () => 0,
        );
        posts.push({ body, status });
      }
    },
    async kept() {
      const answers = await Promise.all(posts.map(async ({ body, status }) => ({ body, status: await status })));
      return answers.filter(({ status }) => status !== 202).map(({ body }) => body);
    },
    async close() {
      await Promise.all(posts.map((post) => post.status));
    },
  };
});
