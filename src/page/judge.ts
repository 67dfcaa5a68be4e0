import type { Overview } from '../admin/overview.ts';
import { count, whole } from './format.ts';

export interface Finding {
  readonly level: 'critical' | 'warning';
  readonly text: string;
}

const most = 3;

/** What an operator who was just woken should read first: the worst at the top, nothing when all is well. */
export function judge(now: Overview): readonly Finding[] {
  const findings: Finding[] = [];
  const critical = (text: string) => findings.push({ level: 'critical', text });
  const warning = (text: string) => findings.push({ level: 'warning', text });

  if (now.servedBy.reason !== null) warning(`The agent that serves this page is not ready: ${now.servedBy.reason}.`);
  if (now.members.length === 0) critical('No agent is alive.');
  for (const sink of now.sinks)
    if (sink.unowned > 0)
      critical(`${count(sink.unowned, 'partition')} of ${sink.sink} ${sink.unowned === 1 ? 'has' : 'have'} no owner.`);
  const failed = now.partitions.filter(({ trouble }) => trouble?.kind === 'failed');
  for (const { unit, trouble } of failed.slice(0, most)) critical(`${unit} stands still: ${trouble?.text}`);
  if (failed.length > most) critical(`${whole(failed.length - most)} more partitions stand still.`);
  for (const { unit, trouble } of now.partitions.filter(({ trouble }) => trouble?.kind === 'gap').slice(0, most))
    warning(`${unit} ${trouble?.text}.`);
  for (const { sink, fill } of now.sinks) {
    if (fill >= 1) critical(`${sink} holds as much as it may; its inputs wait.`);
    else if (fill >= 0.8) warning(`${sink} is ${whole(fill * 100)} % full; at 100 % its inputs wait.`);
  }
  for (const { agent, sink, publisher, lastError } of now.publishers
    .filter(({ breaker }) => breaker !== 'closed')
    .slice(0, 2 * most))
    warning(`${agent} cannot reach ${publisher} of ${sink}${lastError === null ? '' : `: ${lastError}`}.`);
  for (const { agent, input, state, detail } of now.inputs) {
    if (state === 'disconnected') warning(`${input} of ${agent} has lost its source${detail === null ? '' : `: ${detail}`}.`);
    if (state === 'blocked') warning(`${input} of ${agent} is blocked by its broker${detail === null ? '' : `: ${detail}`}.`);
  }
  for (const server of now.mail?.servers ?? []) {
    if (server.alarm !== null) critical(`The mail server ${server.name} wants another configuration: ${server.alarm}.`);
    else if (server.away) warning(`The mail server ${server.name} does not work; the next one is used.`);
  }
  if ((now.mail?.fill ?? 0) >= 0.8) warning(`The queue of mails is ${whole((now.mail?.fill ?? 0) * 100)} % full.`);
  for (const site of now.spool?.missing ?? []) warning(`The site ${site} is not connected.`);
  return [...findings.filter(({ level }) => level === 'critical'), ...findings.filter(({ level }) => level === 'warning')];
}
