import type { InputConfig } from '../config/agent-config.ts';
import type { Delivery, Input, InputKind } from '../inputs/input.ts';
import { inputs } from '../inputs/registry.ts';
import { aborted } from '../lib/or-aborted.ts';
import { feedsOf } from '../pipeline/canary.ts';
import { runCanaryLoop } from '../pipeline/canary-loop.ts';
import { Intake } from '../pipeline/intake.ts';
import type { AgentOptions } from './agent-options.ts';

const intakeBound = 2_000;
const intakeBytes = { max: 64 * 1024 * 1024, of: (delivery: Delivery) => delivery.body.length };
/** What canaries of an input speak for. */
export function feedsOfInput(input: InputConfig): readonly string[] {
  return feedsOf(input.name, inputs[input.kind]?.queues?.(input.parameters) ?? []);
}

/** An input, the intake behind it, its listener and its canaries, until the input or we end. */
export async function startListener(
  options: AgentOptions,
  inputConfig: InputConfig,
  given: {
    readonly soft: AbortSignal;
    readonly hard: AbortSignal;
    readonly facts: Record<string, string>;
    /** Does some sink wait for them now? An input is not written to for nothing. Null: never. */
    readonly canaries: (() => boolean) | null;
  },
  listen: (intake: Intake<Delivery>, input: Input) => Promise<void>,
  own?: InputKind<null>,
): Promise<StartedListener> {
  const { clock, emit } = options;
  const intake = new Intake<Delivery>(intakeBound, intakeBytes);
  const kind = own ?? (await inputs[inputConfig.kind]?.load());
  if (kind === undefined) throw new Error(`no input of kind ${inputConfig.kind}`);
  const input = await kind.open(inputConfig.parameters as never, {
    name: inputConfig.name,
    baseDir: options.config.baseDir,
    dataDir: options.config.dataDir,
    clock,
    random: options.random,
    soft: given.soft,
    hard: given.hard,
    deliver: (deliveries) => intake.deliver(deliveries),
    report: (event) => {
      if (event.kind === 'connected') given.facts[`input.${inputConfig.name}`] = event.detail;
      if (event.kind === 'disconnected') {
        emit('input:disconnected', { input: inputConfig.name, detail: event.detail, retryInMs: event.retryInMs });
      } else emit(`input:${event.kind}`, { input: inputConfig.name, detail: event.detail });
    },
  });
  const over = new AbortController();
  const untilOver = AbortSignal.any([given.soft, over.signal]);
  const canaries =
    given.canaries === null
      ? Promise.resolve()
      : runCanaryLoop(inputConfig.name, input, intake, clock, untilOver, given.canaries);
  // An input that has given all it had is silent, not late: its canaries go on until we leave.
  const ran = input
    .run()
    .then(() => aborted(given.soft))
    .finally(() => {
      over.abort(new Error('the input ended'));
      intake.end();
    });
  const parts = [ran, listen(intake, input), canaries];
  const ended = Promise.all(parts).then(() => undefined);
  ended.catch((error: unknown) => emit('loop:ended', { loop: `listener of ${inputConfig.name}`, error }));
  return { ended, settled: Promise.allSettled(parts), close: () => input.close() };
}

export interface StartedListener {
  /** Rejects as soon as one part of it fails. */
  readonly ended: Promise<void>;
  /** All parts have ended, well or not. */
  readonly settled: Promise<unknown>;
  close(): Promise<void>;
}
