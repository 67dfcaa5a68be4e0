import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { InputConfig } from '../config/agent-config.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { AgentIdentity, Member } from '../coordination/group.ts';
import type { Delivery, Input } from '../inputs/input.ts';
import { LmdbEnvironment } from '../lib/lmdb-environment.ts';
import { DeadLetters } from '../pipeline/dead-letters.ts';
import { insist } from '../pipeline/insist.ts';
import type { Intake } from '../pipeline/intake.ts';
import { runListener } from '../pipeline/listener.ts';
import { CurrentListening } from '../pipeline/listening.ts';
import { Sequencer } from '../pipeline/sequencer.ts';
import { Taps } from '../pipeline/taps.ts';
import { Traces } from '../pipeline/traces.ts';
import { Watching } from '../pipeline/watching.ts';
import { openSpans } from '../telemetry/spans.ts';
import { agentActions } from './agent-actions.ts';
import type { AgentOptions } from './agent-options.ts';
import { readClusterView } from './cluster-view.ts';
import { Figures } from './figures.ts';
import { makeIdentity } from './identity.ts';
import { letterRetries } from './letter-retries.ts';
import { LivenessService } from './liveness-service.ts';
import { openLiveproxy, type RunningLiveproxy } from './liveproxy.ts';
import { loadLiveproxy } from './load-liveproxy.ts';
import { MailService } from './mail-service.ts';
import { openAdmin } from './open-admin.ts';
import { openSpooler, type RunningSpooler } from './open-spooler.ts';
import { openPlaces } from './places.ts';
import { requireNeighbours, spokenProtocol } from './protocol.ts';
import { type ReloadAnswer, Reloader } from './reload.ts';
import { RunningSinks } from './running-sinks.ts';
import { leaveInOrder } from './shutdown.ts';
import { agreeOnLayouts, runsDirect } from './sink-runtime.ts';
import { feedsOfInput, startListener } from './start-listener.ts';
import { startAssignment, startTicks } from './start-workers.ts';
import { ToldLately } from './told-lately.ts';
import { Troubles } from './troubles.ts';

/**
 * One agent: the place where every part meets and nothing is decided. `start` opens from the bottom up (stores, topics, targets,
 * workers, listeners), `stop` leaves in the order of `shutdown.ts`.
 */
export interface RunningAgent {
  readonly identity: AgentIdentity;
  /** Rejects when a part that should run for ever has failed. */
  readonly failed: Promise<never>;
  /** Loads the configuration anew and takes it up, or says why not. */
  reload(): Promise<ReloadAnswer>;
  stop(reason: string): Promise<void>;
}

const maxBatch = 500;
/** Kinds that listen on a port, keep a place in a file, or read what one process alone may hand out. */
const exclusiveKinds = new Set(['http', 'file', 'spool']);

/** Throws what the start fails with, and leaves nothing running then: one timer would keep a process that has nothing to do. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const hard = new AbortController();
  const opened: (() => Promise<unknown>)[] = [];
  try {
    return await openAll(options, hard, opened);
  } catch (error) {
    hard.abort(error);
    for (const close of opened.reverse()) await close().catch(() => undefined); // what the start failed with is what to tell
    throw error;
  }
}

/** Whatever goes on after this function, its end is in `opened`, in the order of opening. */
async function openAll(asGiven: AgentOptions, hard: AbortController, opened: (() => Promise<unknown>)[]): Promise<RunningAgent> {
  const figures = new Figures(asGiven.clock);
  const told = new ToldLately(asGiven.clock);
  const options = { ...asGiven, emit: told.hearing(figures.hearing(asGiven.emit)) };
  const { config, clock, emit } = options;
  const identity = makeIdentity(config.agent.staticId);
  const startedAt = clock.monotonic();
  const soft = new AbortController();
  // Every lane, listener and partition waits under these two; that is many, not a leak.
  setMaxListeners(0, soft.signal, hard.signal);
  const spans = await openSpans(options.version);
  const seen = new Watching(new Taps(clock.now), new Traces(), clock.now, spans);
  const facts: Record<string, string> = {};
  const troubles = new Troubles(clock);
  const places = await openPlaces({ config, clock, random: options.random, emit });
  opened.push(() => places.close());
  const deadLetters = await DeadLetters.open({ directory: join(config.dataDir, 'dead-letters'), clock });
  opened.push(() => deadLetters.close());
  const mail = await MailService.open({ ...options, deadLetters, acceptedMails: places.acceptedMails, hard: hard.signal });
  opened.push(() => mail.close());
  const look = () => readClusterView(places, config.cluster, deadLetters.stats());
  let spooler: RunningSpooler | null = null;
  const hosts = await LivenessService.open(options, identity);
  let liveproxy: RunningLiveproxy | null = null;
  let reload = async (): Promise<ReloadAnswer> => ({ ok: false, hash: '', problems: ['the agent is starting'] });
  const admin = await openAdmin({
    ...options,
    actions: agentActions(deadLetters, seen, () => reload()),
    identity,
    figures,
    told,
    look,
    deadLetters,
    mails: () => mail.reading(),
    spool: () => spooler?.reading() ?? null,
    sites: () => liveproxy?.sites() ?? [],
    ...(config.liveness === null ? {} : { hosts: () => hosts.look(places) }),
  });
  opened.push(() => admin.close());
  const endLivestatus = await hosts.serve(places);
  opened.push(endLivestatus);
  liveproxy = await openProxy(options);
  opened.push(async () => liveproxy?.close());
  if (admin.address !== null) facts['admin'] = admin.address;
  let heldFile: Promise<LmdbEnvironment> | null = null;
  opened.push(async () => (await heldFile)?.close());
  const context = {
    held: () => {
      heldFile ??= LmdbEnvironment.open({ directory: join(config.dataDir, 'held'), clock });
      return heldFile;
    },
    baseDir: config.baseDir,
    dataDir: config.dataDir,
    clock,
    random: options.random,
    emit,
    codec: options.codec,
    deadLetters,
    mail: mail.queue,
    hard: hard.signal,
    loopback: (sink: SinkConfig, target: string) => hosts.loopback(sink, target),
  };

  // One process of several holds the connections; the publishers of all of them spool.
  spooler = config.spooler === null || !options.exclusiveInputs ? null : await openSpooler(options, config.spooler, hard.signal);
  opened.push(async () => spooler?.close());

  const unreachable = (error: unknown): never => {
    emit('group:unreachable', { error });
    throw error;
  };

  let fail = (_error: unknown): void => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => admin.health.ailing('a part that should run for ever has failed'));
  const protocol = spokenProtocol();
  await requireNeighbours(places.group, protocol);
  const agree = (sinks: readonly SinkConfig[]) => agreeOnLayouts(places, sinks, config, randomUUID());
  const withTopic = options.sinks.filter((sink) => !runsDirect(sink, config));
  const layouts = await insist(clock, hard.signal, () => agree(withTopic).catch(unreachable));
  const reports = (configs: readonly SinkConfig[]) => hosts.reports(configs);
  const sinks = new RunningSinks({ config, context, deadLetters, figures, watching: seen, reports, failed: fail });
  opened.push(() => Promise.all([sinks.closeDirect(), sinks.closeLanes()]));
  for (const sink of options.sinks) await sinks.open(sink, layouts.get(sink) ?? null);
  sinks.settle(options.sinks);
  const listening = new CurrentListening(sinks.listening({ converter: options.converter, limits: config.limits }));

  const reloader = new Reloader({
    ...{ options, sinks, listening, context, agree, failed: fail },
    loop: { halt: (units) => assignment.loop.halt(units), resume: (units) => assignment.loop.resume(units) },
  });
  reload = async () => {
    await liveproxy?.reload();
    return await reloader.reload();
  };
  const member = (): Member => ({
    ...identity,
    weight: config.agent.weight,
    protocol,
    build: options.version,
    host: hostname(),
    pid: process.pid,
    facts: {
      ...facts,
      ...troubles.facts(),
      ...reloader.facts(),
      ...figures.facts(),
      ...Object.fromEntries(Object.entries(figures.total()).map(([name, count]) => [name, String(count)])),
    },
  });
  const assignment = startAssignment(options, identity, places, sinks, member, {
    figures,
    troubles,
    deadLetters,
    watching: seen,
    hard: hard.signal,
  });
  opened.push(() => assignment.stop());
  const { loop } = assignment;
  const ticking = options.drains === true ? Promise.resolve() : startTicks(options, places, sinks, loop, soft.signal);
  ticking.catch((error: unknown) => emit('loop:ended', { loop: 'ticks', error }));
  opened.push(async () => soft.abort(new Error('the start failed')));
  const hasSink = (name: string) => sinks.configs.some(({ sink }) => sink === name);
  const laneOf = (sink: string, publisher: string) => sinks.laneOf(sink, publisher);
  const canaries = () => sinks.needTime;
  const openAppender = () => places.topics.openAppender();
  hosts.opened({ listening, openAppender, deadLetters, tally: figures.own, clock });
  const watching = hosts.run(places, options.drains === true ? [] : sinks.topicSinks, loop, soft.signal);
  watching.catch((error: unknown) => emit('loop:ended', { loop: 'inventory', error }));
  const given = { soft: soft.signal, hard: hard.signal, facts, canaries };
  const listen =
    (input: InputConfig, index: number, awaited: readonly string[]) => async (intake: Intake<Delivery>, opened: Input) =>
      runListener(
        {
          name: input.name,
          intake,
          input: opened,
          feeds: awaited,
          listening,
          appender: await places.topics.openAppender(),
          sequencer: new Sequencer(`${identity.boot}.${index}`),
          deadLetters,
          tally: figures.own,
          clock,
          maxBatch,
          lingerMs: config.timing.lingerMs,
          watching: seen,
        },
        hard.signal,
      );
  const openedHere = config.inputs
    .filter(() => options.drains !== true)
    .filter((input) => options.exclusiveInputs || !exclusiveKinds.has(input.kind));
  for (const { name, kind } of openedHere) figures.input(name, kind);
  const listeners = await Promise.all(
    openedHere.map((input, index) => startListener(options, input, given, listen(input, index, feedsOfInput(input)))),
  );
  const own = [mail.reports];
  if (options.drains !== true && options.exclusiveInputs) own.push(letterRetries({ deadLetters, emit, hasSink, laneOf }));
  for (const [index, kind] of own.entries()) {
    if (kind === null) continue;
    const input = { kind: kind.name, name: kind.name, parameters: null };
    const run = listen(input, config.inputs.length + index, []);
    listeners.push(await startListener(options, input, { ...given, canaries: null }, run, kind));
  }
  emit('agent:started', { version: options.version });
  admin.health.running();

  const inputsEnded = Promise.all(listeners.map((listener) => listener.ended)).then(() => undefined);
  // An input that ends (a file read once) ends nothing else; a part that fails ends the agent.
  inputsEnded.catch(fail);
  assignment.ended.catch(fail);
  ticking.catch(fail);
  watching.catch(fail);
  spooler?.ended.catch(fail);
  mail.ended.catch(fail);

  let stopping: Promise<void> | null = null;
  const stop = async (reason: string): Promise<void> => {
    emit('agent:stopping', { reason });
    admin.health.ailing('stopping');
    soft.abort(new Error(reason));
    const hung = await leaveInOrder(
      [
        {
          name: 'inputs and listeners',
          end: async () => void (await Promise.all(listeners.map((listener) => listener.settled))),
        },
        { name: 'direct targets', end: () => sinks.closeDirect() },
        { name: 'workers', end: () => assignment.stop() },
        { name: 'ticks', end: async () => void (await Promise.allSettled([ticking, watching])) },
        { name: 'lanes', end: () => sinks.closeLanes() },
        { name: 'mails', end: () => mail.leave() },
        { name: 'inputs', end: async () => void (await Promise.all(listeners.map((listener) => listener.close()))) },
        { name: 'spooler', end: async () => spooler?.close() },
        { name: 'admin', end: async () => void (await Promise.all([admin.close(), endLivestatus(), liveproxy?.close()])) },
        {
          name: 'stores',
          end: async () =>
            void (await Promise.all([mail.close(), deadLetters.close(), places.close(), heldFile?.then((file) => file.close())])),
        },
      ],
      hard,
      config.timing.drainMs,
      clock,
    );
    for (const phase of hung) emit('agent:hanging', { what: phase, phase });
    emit('agent:stopped', { seconds: (clock.monotonic() - startedAt) / 1000 });
  };
  return {
    identity,
    failed,
    reload,
    stop: (reason) => {
      stopping ??= stop(reason);
      return stopping;
    },
  };
}

/** One of the processes of an agent runs it. */
async function openProxy(options: AgentOptions): Promise<RunningLiveproxy | null> {
  const { liveproxy } = options.config;
  if (liveproxy === null || !options.exclusiveInputs) return null;
  return await openLiveproxy({ ...options, load: () => loadLiveproxy({ config: liveproxy }) });
}
