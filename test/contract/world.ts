import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Group } from '../../src/coordination/group.ts';
import type { PartitionStore, PeekedPartitions, WholePartitions } from '../../src/state/partition-store.ts';
import type { PartitionRef, Topics } from '../../src/topics/topic.ts';

export interface Ports {
  readonly topics: Topics;
  readonly group: Group;
  readonly store: PartitionStore & WholePartitions & PeekedPartitions;
}

/**
 * One empty set of data and everybody who uses it. An adapter passes a contract suite by making worlds. `P` are the ports it has:
 * Redis makes worlds of `group` and `store`, RabbitMQ of `topics`.
 */
export interface World<P extends Partial<Ports>> {
  /** One more client of the same data, as another agent would be one. */
  open(): Promise<P & { close(): Promise<void> }>;
  /** All clients of `open` are gone when this is called; the server, if any, is started anew. */
  restart(): Promise<void>;
  /** A process of its own with the same ports, by a module that exports `openPorts(config)`. */
  readonly child: { readonly module: URL; readonly config: unknown };
  dispose(): Promise<void>;
}

/** What a module named by `World.child` exports. */
export type OpenPorts = (config: never) => Promise<Partial<Ports>>;

export interface Call {
  readonly id: number;
  readonly port: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: 'confirmed'; readonly count: number };

/** Endless work of a child, told of by `confirmed` after each success. */
export interface Jobs {
  /** Appends batches of `size` entries whose texts count on from 1. */
  appendForever(ref: PartitionRef, size: number): Promise<void>;
  /** Acquires the unit and commits, each commit setting all of `keys` to its version. */
  commitForever(unit: string, keys: number): Promise<void>;
}

export interface Child<P> {
  /** Calls cross the process border; of an object only what survives structured cloning does. */
  readonly ports: P;
  readonly jobs: Jobs;
  confirmed(): number;
  /** SIGKILL, and the process is gone when it resolves. */
  kill(): Promise<void>;
}

const started = new Set<Child<unknown>>();

export async function spawnChild<P extends Partial<Ports>>(world: World<P>): Promise<Child<P>> {
  const child = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [world.child.module.href, JSON.stringify(world.child.config)],
    { execArgv: ['--import', 'tsx'], serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let confirmed = 0;
  let lastId = 0;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the child ended before it was ready')));
    child.on('message', (message: FromChild) => {
      if (message.kind === 'ready') return resolve();
      if (message.kind === 'confirmed') {
        confirmed = message.count;
        return;
      }
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.kind === 'answer') call?.resolve(message.value);
      else call?.reject(Object.assign(new Error(message.message), { code: message.code }));
    });
  });
  const port = (name: string) =>
    new Proxy(
      {},
      {
        get: (_, method: string) => {
          return (...args: readonly unknown[]) =>
            new Promise((resolve, reject) => {
              lastId += 1;
              waiting.set(lastId, { resolve, reject });
              const call: Call = { id: lastId, port: name, method, args };
              child.send(call);
            });
        },
      },
    );
  const handle: Child<P> = {
    ports: { topics: port('topics'), group: port('group'), store: port('store') } as unknown as P,
    jobs: port('jobs') as Jobs,
    confirmed: () => confirmed,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
      started.delete(handle);
    },
  };
  started.add(handle);
  await ready;
  return handle;
}

/** For `afterEach`: no test leaves a process behind, not even a failed one. */
export async function killChildren(): Promise<void> {
  await Promise.all([...started].map((child) => child.kill()));
}

const patienceMs = 30_000;

/** Asks again and again until the answer is not undefined; fails after 30 s, so that no loop outlives its test. */
export async function until<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error('what the test waited for did not happen');
}
