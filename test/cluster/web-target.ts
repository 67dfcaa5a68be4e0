import { basename } from 'node:path';
import { readOutputs } from '../../src/cli/demo/compare.ts';
import { HttpTarget } from '../faults/publishers/http-target.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';

/** A web server that one sink publishes to beside its file, behind a wire that can be hurt. */
export interface WebTarget {
  readonly server: HttpTarget;
  readonly wire: TcpProxy;
  /** Of the sink's `publish`, as one more line. */
  readonly line: string;
  close(): Promise<void>;
}

export async function startWebTarget(): Promise<WebTarget> {
  const server = new HttpTarget();
  await server.listen();
  const wire = await startProxy({ host: '127.0.0.1', port: server.port });
  return {
    server,
    wire,
    line: `  - http: { url: "http://127.0.0.1:${wire.port}/in", format: ndjson, timeout_ms: 1500 }\n`,
    close: async () => {
      await wire.close();
      await server.close();
    },
  };
}

export interface Arrived {
  readonly same: number;
  /** In the file of the sink and not there, or with another content, or there alone. */
  readonly amiss: readonly string[];
  /** Beyond the first of an id. */
  readonly repeated: number;
}

/** What the web server has, against the file of the same sink. */
export async function compareWithFile({ server }: WebTarget, outputs: string, sink: string): Promise<Arrived> {
  const { outputs: all } = await readOutputs(outputs);
  const written = new Map(
    [...all].filter(([key]) => basename(key.slice(0, key.indexOf('\t')), '.jsonl') === sink).map(withoutFile),
  );
  const arrived = new Map<string, string>();
  const amiss: string[] = [];
  let lines = 0;
  for (const line of server.bodies.flatMap((body) => body.split('\n')).filter((each) => each !== '')) {
    const { id: ours, message_id } = JSON.parse(line) as { id?: string; message_id?: string };
    const id = ours ?? message_id ?? '';
    lines += 1;
    if ((arrived.get(id) ?? line) !== line) amiss.push(`${id} came with two contents`);
    arrived.set(id, line);
  }
  for (const [id, line] of written)
    if (arrived.get(id) !== line) amiss.push(`${id} ${arrived.has(id) ? 'is another' : 'did not come'}`);
  for (const id of arrived.keys()) if (!written.has(id)) amiss.push(`${id} is in no file`);
  return { same: written.size - amiss.length, amiss, repeated: lines - arrived.size };
}

function withoutFile([key, line]: readonly [string, string]): [string, string] {
  return [key.slice(key.indexOf('\t') + 1), line];
}
