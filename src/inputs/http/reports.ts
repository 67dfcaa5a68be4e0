import { Problem } from './problem.ts';
import { type Part, toParts } from './request-body.ts';

export const reportsPath = '/v1/reports';

const atOnce = 500;
const bytesAtOnce = 256 * 1024;

/**
 * A body of reports, `{"host": …, "service": …, "data": {…}}` each, as notifications that hold many of them. Nothing of it is taken when one names
 * no host or service: throws a 400 `Problem` that names the line. `id` makes the names of the notifications: sent again, a report is
 * another one, which changes nothing but when it came.
 */
export function toReportParts(body: Uint8Array, ndjson: boolean, most: number, id: () => string, now: number): readonly Part[] {
  const reports = toParts(body, ndjson, most);
  for (const report of reports) check(report);
  const parts: Part[] = [];
  let chunk: Part[] = [];
  let bytes = 0;
  const close = () => {
    const [first] = chunk;
    if (first !== undefined) parts.push({ line: first.line, bytes: notification(chunk, id(), now) });
    chunk = [];
    bytes = 0;
  };
  for (const report of reports) {
    if (chunk.length >= atOnce || bytes + report.bytes.length > bytesAtOnce) close();
    chunk.push(report);
    bytes += report.bytes.length;
  }
  close();
  return parts;
}

function check({ line, bytes }: Part): void {
  const report = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  for (const name of ['host', 'service'])
    if (typeof report[name] !== 'string' || report[name] === '')
      throw new Problem(400, `line ${line}: a report names its ${name}`, { line });
}

function notification(reports: readonly Part[], id: string, now: number): Uint8Array {
  const head = {
    message_id: id,
    publisher_id: 'http',
    event_type: 'ceilograph.reports',
    priority: 'INFO',
    timestamp: new Date(now).toISOString(),
  };
  const texts: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"payload":{"reports":[`)];
  reports.forEach(({ bytes }, i) => {
    if (i > 0) texts.push(Buffer.from(','));
    texts.push(bytes);
  });
  texts.push(Buffer.from(']}}'));
  return Buffer.concat(texts);
}
