import { toFixed16 } from '../../core/livestatus/fixed16.ts';
import { answerQuery } from '../../core/livestatus/lql/answer.ts';
import type { AnyTable } from '../../core/livestatus/lql/table.ts';
import { quirksOf } from '../../core/livestatus/server-kind.ts';
import type { Answerer } from './client.ts';
import type { Job } from './job.ts';

/** A site without a server behind it: tables of this process answer, at once. */
export class OwnSite implements Answerer {
  readonly id: string;
  readonly quirks = quirksOf('own');
  readonly #tables: readonly AnyTable[];

  constructor(id: string, tables: readonly AnyTable[]) {
    this.id = id;
    this.#tables = tables;
  }

  submit(job: Job): void {
    job.state = 'done';
    const { request, asker } = job;
    if (request === null) {
      asker.refuse({ code: 452, text: 'Invalid request method' });
      return;
    }
    if (request.method === 'COMMAND') {
      asker.refuse({ code: 452, text: `Site '${this.id}' takes no commands` });
      return;
    }
    const { code, body } = answerQuery(job.lines.map(toUnicode), this.#tables);
    const header = { code, length: Buffer.byteLength(body) };
    job.code = code;
    job.bytes = header.length;
    asker.start(header, Buffer.from(toFixed16(header) + body));
    asker.end();
  }

  cancel(): void {
    // Nothing is ever under way.
  }
}

function toUnicode(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8');
}
