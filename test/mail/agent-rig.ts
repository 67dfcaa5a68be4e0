import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningAgent, startAgent } from '../../src/agent/agent.ts';
import type { ReloadAnswer } from '../../src/agent/reload.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createItemCodec } from '../../src/pipeline/item-codec.ts';
import type { EventName } from '../../src/telemetry/events.ts';

/** A folder with an agent's files, and the agents that run on it. */
export class AgentRig {
  readonly folder: string;
  readonly told: EventName[] = [];
  #agent: RunningAgent | null = null;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(mail: string, sinks: Readonly<Record<string, string>>): Promise<AgentRig> {
    const rig = new AgentRig(await mkdtemp(join(tmpdir(), 'agent-mails-')));
    await mkdir(join(rig.folder, 'pipelines'));
    for (const [name, text] of Object.entries(sinks)) await writeFile(join(rig.folder, 'pipelines', `${name}.yaml`), text);
    await rig.configure(mail);
    return rig;
  }

  async configure(mail: string): Promise<void> {
    const head = 'cluster: c\ndata_dir: data\npipelines: pipelines\nlog: { level: silent }\n';
    await writeFile(join(this.folder, 'agent.yaml'), `${head}inputs:\n  - file: { path: in.jsonl, follow: true }\n${mail}`);
  }

  /** What the agent reads. */
  async notify(...notifications: readonly object[]): Promise<void> {
    await writeFile(join(this.folder, 'in.jsonl'), notifications.map((one) => `${JSON.stringify(one)}\n`).join(''), {
      flag: 'a',
    });
  }

  async start(): Promise<void> {
    const setup = await loadSetup({ config: join(this.folder, 'agent.yaml') }, {});
    this.#agent = await startAgent({
      config: setup.config,
      sinks: setup.sinks,
      converter: setup.converter,
      codec: createItemCodec(() => ''),
      emit: (name) => void this.told.push(name),
      clock: systemClock,
      random: Math.random,
      version: 'test',
      exclusiveInputs: true,
      load: () => loadSetup({ config: join(this.folder, 'agent.yaml') }, {}),
    });
  }

  reload(): Promise<ReloadAnswer> {
    if (this.#agent === null) throw new Error('the agent does not run');
    return this.#agent.reload();
  }

  async stop(): Promise<void> {
    await this.#agent?.stop('the test is over');
    this.#agent = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function notification(id: string, eventType: string, payload: object = {}): object {
  return {
    message_id: id,
    publisher_id: 'p',
    event_type: eventType,
    priority: 'INFO',
    timestamp: '2026-01-01 00:00:05',
    payload,
  };
}
