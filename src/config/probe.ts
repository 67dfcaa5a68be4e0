import type { Clock } from '../lib/clock.ts';
import { classify } from '../model/faults.ts';
import type { MailAcceptor } from '../model/mail.ts';
import type { AgentConfig, InputConfig } from './agent-config.ts';
import type { Registries } from './registries.ts';
import type { SinkConfig, SinkTarget } from './sink-config.ts';

/** One endpoint that was tried. */
export interface Probed {
  /** `sink cpu-util: http` or `input amqp`. */
  readonly what: string;
  readonly fault: string | null;
}

export interface ProbeTools {
  readonly registries: Registries;
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeoutMs: number;
  /** Asks the mail servers of the agent, where it has some. */
  readonly mail?: MailAcceptor | undefined;
}

/** Tries every target of every sink and every input, all at once. Nothing is published, and what an input delivers is given back. */
export async function probeAll(config: AgentConfig, sinks: readonly SinkConfig[], tools: ProbeTools): Promise<Probed[]> {
  const targets = sinks.flatMap((sink) =>
    sink.publish.map((target) => probed(`sink ${sink.sink}: ${target.name}`, probeTarget(sink, target, config, tools))),
  );
  const inputs = config.inputs.map((input) => probed(`input ${input.name}`, probeInput(input, config, tools)));
  return await Promise.all([...inputs, ...targets]);
}

async function probed(what: string, attempt: Promise<void>): Promise<Probed> {
  try {
    await attempt;
    return { what, fault: null };
  } catch (error) {
    const { message } = classify(error);
    return { what, fault: message };
  }
}

async function probeTarget(sink: SinkConfig, target: SinkTarget, config: AgentConfig, tools: ProbeTools): Promise<void> {
  const { clock, random } = tools;
  const kind = await tools.registries.publishers[target.kind]?.load();
  if (kind === undefined) throw new Error(`there is no publisher ${target.kind}`);
  const publisher = await kind.open(target.parameters, {
    name: target.name,
    sink: sink.sink,
    kind: sink.from,
    clock,
    random,
    baseDir: config.baseDir,
    dataDir: config.dataDir,
    onlyToProbe: true,
    ...(tools.mail === undefined ? {} : { mail: tools.mail }),
  });
  try {
    await publisher.probe(AbortSignal.timeout(tools.timeoutMs));
  } finally {
    await publisher.close();
  }
}

/** An input has no probe of its own: it runs until it says that it is connected, that it is not, or that nothing came of it. */
async function probeInput(input: InputConfig, config: AgentConfig, tools: ProbeTools): Promise<void> {
  const kind = await tools.registries.inputs[input.kind]?.load();
  if (kind === undefined) throw new Error(`there is no input ${input.kind}`);
  const [soft, hard] = [new AbortController(), new AbortController()];
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const answer = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });
  const opened = await kind.open(input.parameters, {
    name: input.name,
    clock: tools.clock,
    random: tools.random,
    soft: soft.signal,
    hard: hard.signal,
    baseDir: config.baseDir,
    deliver: async (deliveries) => {
      for (const delivery of deliveries) delivery.giveBack();
      resolve(); // what delivers is connected
    },
    report: (event) => {
      if (event.kind === 'connected') resolve();
      if (event.kind === 'disconnected') reject(new Error(event.detail));
    },
  });
  const timeout = AbortSignal.timeout(tools.timeoutMs);
  timeout.addEventListener('abort', () => reject(new Error(`no answer within ${tools.timeoutMs / 1000} s`)), { once: true });
  const running = opened.run().then(resolve, reject);
  try {
    await answer;
  } finally {
    soft.abort(new Error('probed'));
    hard.abort(new Error('probed'));
    await opened.close();
    await running;
  }
}
