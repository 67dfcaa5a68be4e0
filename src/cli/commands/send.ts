import { Command } from 'commander';
import { CliFailure } from '../failure.ts';
import { sendFile } from '../send-file.ts';

export function sendCommand(): Command {
  return new Command('send')
    .description('Send notifications, one JSON object per line, to a broker (amqp://) or to an agent (http://).')
    .argument('[file]', 'JSON Lines; - is standard input', '-')
    .requiredOption('--to <url>', 'amqp(s)://user:pass@host/vhost?exchange=nova&topic=notifications, or http(s)://host:port')
    .option('--rate <n>', 'at most so many a second', positive)
    .option('--batch <n>', 'how many to confirm together', positive, 500)
    .option('--token-file <file>', 'the bearer token for http')
    .option('--timeout <seconds>', 'give up when a batch is not confirmed by then', positive, 60)
    .option('--json', 'print the counts as one JSON object')
    .addHelpText(
      'after',
      `
Query of an amqp URL: exchange (nova), topic (notifications), durable, auto_delete, quorum (false; as the site declares them),
declare (true; also declares the queue, so that nothing is lost before an agent has started).
A line that is not yet an oslo.messaging envelope is put into one (version 2). Only what was confirmed is counted.

Examples:
  ceilograph send recorded.jsonl --to 'amqp://guest:guest@localhost/?exchange=nova'
  ceilograph send - --to http://127.0.0.1:8086 --rate 100 --json < recorded.jsonl
`,
    )
    .action(sendFile);
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new CliFailure(`${text} is not a positive number`, 2);
  return value;
}
