import { Feeder } from '../cluster/feeder.ts';
import { pause } from '../faults/until.ts';

const everyMs = 1_000;

/** The agents on the hosts, through the broker: each host that speaks reports every second. A broker that is away is waited for. */
export class Reporter {
  readonly speaking: Set<string>;
  readonly #feeder: Feeder;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #sent = 0;

  constructor(url: string, hosts: readonly string[]) {
    this.#feeder = new Feeder(url);
    this.speaking = new Set(hosts);
    this.#running = this.#run();
    this.#running.catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#sent += 1;
      const reports = [...this.speaking].map((host) => ({ host, service: 'uptime' }));
      const notification = {
        message_id: `reports-${this.#sent}`,
        publisher_id: 'hosts',
        event_type: 'ceilograph.reports',
        priority: 'INFO',
        timestamp: new Date().toISOString(),
        payload: { reports },
      };
      await this.#feeder.feed([{ id: notification.message_id, body: JSON.stringify(notification) }]);
      await pause(everyMs);
    }
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#running;
    await this.#feeder.close();
  }
}
