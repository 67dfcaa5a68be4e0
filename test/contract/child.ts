import type { Commit } from '../../src/state/partition-store.ts';
import type { Call, FromChild, Jobs, OpenPorts, Ports } from './world.ts';

// The other process of the contract suites: does what its parent asks by message, until it is killed.
const [modulePath = '', config = ''] = process.argv.slice(2);
const { openPorts } = (await import(modulePath)) as { readonly openPorts: OpenPorts };
const ports = await openPorts(JSON.parse(config) as never);

// Short, so that whoever takes over after the kill need not wait long; each commit holds it anew.
const leaseMs = 500;

const jobs: Jobs = {
  async appendForever(ref, size) {
    const appender = await need('topics').openAppender();
    const forever = new AbortController().signal;
    for (let count = 0; ; count += size) {
      const entries = Array.from({ length: size }, (_, i) => ({ partition: ref, bytes: Buffer.from(`entry ${count + i + 1}`) }));
      await appender.append(entries, forever);
      tell({ kind: 'confirmed', count: count + size });
    }
  },
  async commitForever(unit, keys) {
    const acquired = await need('group').acquire({ agent: 'child', boot: String(process.pid) }, unit, 1, leaseMs);
    if (acquired.kind !== 'acquired') throw new Error(`not acquired: ${acquired.kind}`);
    for (let version = 0; ; version++) {
      const result = await need('store').commit(acquired.token, commitOf(version, keys));
      if (result.kind !== 'ok') throw new Error(`not committed: ${result.kind}`);
      tell({ kind: 'confirmed', count: result.version });
    }
  },
};

function commitOf(version: number, keys: number): Commit {
  const text = String(version + 1);
  return {
    expectVersion: version,
    commitId: `commit ${text}`,
    set: Array.from({ length: keys }, (_, i) => [`key ${i}`, text] as const),
    del: [],
    rolling: [],
    roundStart: version === 0,
    roundEnd: false,
    cursor: text,
    ids: { slice: 1, text },
    dropSlices: [],
    outbox: [{ group: 'out', items: 1, text }],
    leaseTtlMs: leaseMs,
  };
}

function need<K extends keyof Ports>(name: K): Ports[K] {
  const port = ports[name];
  if (port === undefined) throw new Error(`this world has no ${name}`);
  return port as Ports[K];
}

function tell(message: FromChild): void {
  process.send?.(message);
}

process.on('message', async ({ id, port, method, args }: Call) => {
  try {
    const target = (port === 'jobs' ? jobs : need(port as keyof Ports)) as unknown as Record<
      string,
      (...args: readonly unknown[]) => unknown
    >;
    tell({ kind: 'answer', id, value: await target[method]?.(...args) });
  } catch (error) {
    tell({ kind: 'failure', id, code: String((error as { code?: unknown }).code), message: String(error) });
  }
});
process.on('disconnect', () => process.exit());
tell({ kind: 'ready' });
