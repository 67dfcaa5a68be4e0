import { ownAnswers } from '../../core/livestatus/own-answers.ts';
import { toUpstream } from '../../core/livestatus/request.ts';
import type { ServerQuirks } from '../../core/livestatus/server-kind.ts';
import type { AnswerSink, Channel, ChannelFailure } from './channel.ts';
import type { Job } from './job.ts';

/** What a channel's work on a job needs of its site. */
export interface JobSite {
  readonly id: string;
  readonly quirks: ServerQuirks;
  readonly keepAlive: boolean;
  /** The channel is free again, or gone. */
  finished(job: Job, channel: Channel): void;
  /** To the head of the line, for its second and last try. */
  again(job: Job): void;
}

/** Asked behind a COMMAND: who answers it has read the command. Servers tell nothing of a command that went well. */
const confirmation = 'GET status\nColumns: program_start\nResponseHeader: fixed16\n\n';

/** Puts the job's question on the channel and leads the answer to its asker. A COMMAND is written at most once, whatever happens. */
export function run(site: JobSite, job: Job, channel: Channel): void {
  const { request } = job;
  if (request === null) {
    channel.relay(`${job.lines.join('\n')}\n\n`, relaySink(site, job, channel));
    return;
  }
  if (request.method === 'GET') {
    channel.ask(toUpstream(request, site.keepAlive), getSink(site, job, channel));
    return;
  }
  const follow = site.quirks.answersCommands ? '' : confirmation;
  channel.ask(`${toUpstream(request, false)}${follow}`, commandSink(site, job, channel));
}

function getSink(site: JobSite, job: Job, channel: Channel): AnswerSink {
  const { asker } = job;
  return {
    start(header, bytes) {
      job.begun = true;
      job.code = header.code;
      job.bytes = header.length;
      return asker.start(header, bytes);
    },
    body: (chunk) => asker.body(chunk),
    came() {
      job.begun = true;
      job.state = 'done';
      site.finished(job, channel);
    },
    end: () => asker.end(),
    fail(failure) {
      if (failure.begun) return failLate(site, job, channel, failure);
      // Nothing was sent to the client, so that asking again on another connection is invisible.
      if (failure.kind !== 'garbage' && failure.kind !== 'dropped' && job.attempts < 2) {
        site.finished(job, channel);
        return site.again(job);
      }
      job.state = 'done';
      site.finished(job, channel);
      // Twice without a byte, on connections that worked: this server's way to refuse a request.
      if (failure.kind === 'closed' && site.quirks.bareErrors === 'silence') return asker.silence();
      asker.refuse(job.ending ?? refusalOf(site, failure));
    },
  };
}

function commandSink(site: JobSite, job: Job, channel: Channel): AnswerSink {
  const { asker } = job;
  const fixed16 = job.request?.fixed16 === true;
  let error = false;
  return {
    start(header, bytes) {
      job.code = header.code;
      job.begun = true;
      // Told are errors, and what this server itself would tell.
      error = header.code >= 400 || (site.quirks.answersCommands && fixed16);
      if (!error) return 'taken';
      job.bytes = header.length;
      return asker.start(header, bytes);
    },
    body: (chunk) => (error ? asker.body(chunk) : 'taken'),
    came: () => undefined,
    end() {
      job.state = 'done';
      // The confirmation of a refused command may still come.
      channel.close('a command has its channel to itself');
      site.finished(job, channel);
      asker.end();
    },
    fail(failure) {
      if (failure.begun && error) return failLate(site, job, channel, failure);
      job.state = 'done';
      site.finished(job, channel);
      if (job.ending !== null && job.ending.code === 504) return asker.refuse(job.ending);
      asker.refuse(
        failure.kind === 'connect' ? ownAnswers.dead(site.id, failure.detail) : ownAnswers.uncertain(site.id, failure.detail),
      );
    },
  };
}

function relaySink(site: JobSite, job: Job, channel: Channel): AnswerSink {
  const { asker } = job;
  return {
    start: () => 'taken',
    came: () => undefined,
    body(chunk) {
      job.begun = true;
      job.bytes += chunk.length;
      return asker.body(chunk);
    },
    end() {
      job.state = 'done';
      site.finished(job, channel);
      asker.silence();
    },
    fail(failure) {
      if (failure.begun) return failLate(site, job, channel, failure);
      job.state = 'done';
      site.finished(job, channel);
      asker.refuse(job.ending ?? refusalOf(site, failure));
    },
  };
}

function failLate(site: JobSite, job: Job, channel: Channel, failure: ChannelFailure): void {
  job.state = 'done';
  site.finished(job, channel);
  job.asker.abort(failure.detail);
}

function refusalOf(site: JobSite, failure: ChannelFailure) {
  return failure.kind === 'connect' || failure.kind === 'dropped'
    ? ownAnswers.dead(site.id, failure.detail)
    : ownAnswers.broken(site.id, failure.detail);
}
