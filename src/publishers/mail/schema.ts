import { z } from 'zod';
import { isAddress } from '../../core/mail/address.ts';
import { parseTemplate } from '../../core/mail/macros.ts';
import { isTimeZone } from '../../core/mail/quiet-hours.ts';
import { duration } from '../../core/transformers/duration.ts';

export const summary =
  'Sends mails through the durable queue of the agent (`mail` in its file): accepted once flushed, in order per incident.';

const template = z.string().superRefine((text, context) => {
  const parsed = parseTemplate(text);
  if ('fault' in parsed) context.addIssue({ code: 'custom', message: parsed.fault });
});

const recipient = template.refine(
  (text) => text.includes('{{') || isAddress(text.trim()),
  'expected a mail address, or a macro that gives one',
);

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day such as 22:00');
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)]);

const QuietHoursSchema = z
  .strictObject({
    from: timeOfDay.describe('When it begins.'),
    to: timeOfDay.describe('When it ends; before `from`: on the next day.'),
    days: z
      .array(z.enum(days))
      .min(1)
      .default([...days])
      .describe('The days on which it begins.'),
    time_zone: z
      .string()
      .default('UTC')
      .refine(isTimeZone, 'expected a time zone such as Europe/Berlin')
      .describe('Whose clock counts.'),
    except: z.array(z.string()).default([]).describe('Events or meters that are told all the same (globs).'),
  })
  .describe('What comes in this time is gathered into one mail at its end.');

const RouteSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_-]{1,64}$/)
    .optional()
    .describe('For digests and errors. Without it: its number.'),
  match: z.array(z.string()).min(1).default(['*']).describe('Events by type or samples by meter, as in a sink.'),
  where: z
    .record(z.string(), oneOrMore)
    .default({})
    .describe('More that must fit: the name of a macro, and globs of which one must.'),
  to: z.union([recipient, z.array(recipient).min(1)]).describe('Who is told. Macros may stand here.'),
  subject: template.default('{{name}} {{resource_id|}}').describe('One line.'),
  body: template.default('{{name}} at {{time}}\n\n{{json}}\n').describe('The text.'),
  html: template.optional().describe('The same for mail readers that show HTML; values are escaped.'),
  attach: z.enum(['none', 'item']).default('none').describe('`item`: what it is about, as JSON.'),
  incident: template
    .default('{{incident_id|}}')
    .describe('What belongs together, down and up of one thing: in order, one thread. Empty: nothing.'),
  phase: template.default('{{phase|}}').describe('`down`, `up` or `reminder`. Empty: the end of the event type (`host.down`).'),
  lifetime: duration.prefault('4d').describe('Undelivered for so long, a mail is given up: dead letter and `mail.failed`.'),
  brief_lifetime: duration.prefault('1d').describe('The same for ups and reminders.'),
  digest: duration.optional().describe('Gather for so long and send one mail.'),
  rate: z
    .union([
      z.literal('off'),
      z.strictObject({
        mails: z.int().min(1).default(20).describe('So many to one recipient'),
        per: duration.prefault('5m').describe('in so long; what is more is gathered into one mail.'),
      }),
    ])
    .prefault({})
    .describe('So that nobody is flooded.'),
  quiet_hours: QuietHoursSchema.optional(),
  last: z.boolean().default(false).describe('What fits here is not shown to the routes after it.'),
});

export const MailSchema = z.strictObject({
  notify: z.array(RouteSchema).min(1).describe('Who is told what. Every route that fits makes a mail.'),
  commit_after: z
    .enum(['flushed', 'attempt'])
    .default('flushed')
    .describe(
      'When an item counts as taken: once its mails are on disk here, or after the first try of each (10 s at most), so that another agent sends them ' +
        'when this disk is lost before.',
    ),
});
export type MailParameters = z.output<typeof MailSchema>;
export type RouteParameters = MailParameters['notify'][number];
