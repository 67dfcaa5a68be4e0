import { Command } from 'commander';
import type { ReloadAnswer } from '../../agent/reload.ts';
import { type AgentsOptions, askedAgents, collect } from '../admin/agents.ts';

interface Options extends AgentsOptions {
  readonly json?: true;
}

export function reloadCommand(): Command {
  return new Command('reload')
    .description(
      'Have running agents load their configuration anew, one after the other, and say what each made of it. Sinks that are the same go on; stops at the first agent that refuses.',
    )
    .option('-c, --config <file>', 'the agent file, whose cluster and token are used')
    .option('--data-dir <dir>', 'the data directory, where the agent file does not name it')
    .option('--url <url>', 'the admin address of one agent; may be given more than once', collect)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nWithout admin.listen: SIGHUP, and the log says what came of it.\n\nExamples:\n  ceilograph reload -c /etc/ceilograph/agent.yaml\n  ceilograph reload --url http://127.0.0.1:8788\n',
    )
    .action(async (options: Options) => {
      for (const { agent, client } of await askedAgents(options)) {
        const answer = await client.post<ReloadAnswer>('/v1/reload', {});
        process.stdout.write(options.json === true ? `${JSON.stringify({ agent, ...answer })}\n` : said(agent, answer));
        if (answer.ok) continue;
        process.exitCode = 1;
        return;
      }
    });
}

function said(agent: string, answer: ReloadAnswer): string {
  if (!answer.ok) return `${agent} goes on as before:\n${answer.problems.map((problem) => `  ${problem}\n`).join('')}`;
  const parts = (['added', 'changed', 'removed'] as const).flatMap((name) =>
    answer[name].length === 0 ? [] : [`${name} ${answer[name].join(', ')}`],
  );
  if (answer.conversion) parts.push('conversion changed');
  parts.push(`${answer.unchanged} sinks unchanged`);
  return `${agent} runs ${answer.hash.slice(0, 12)}: ${parts.join('; ')}\n${answer.notes.map((note) => `  ${note}\n`).join('')}`;
}
