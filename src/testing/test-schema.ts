import { z } from 'zod';
import { duration } from '../core/transformers/duration.ts';
import { parseEventTime } from '../core/transformers/event-time.ts';
import { priorities } from '../model/notification.ts';
import { sampleTypes } from '../model/sample.ts';

/**
 * `<sink>.test.yaml`, a list of cases. The schema gives the checks, the editor's completion (`schema/pipeline-test.schema.json`) and, by
 * its descriptions, the words of `docs/testing.md`. Items are checked here and read exactly elsewhere: `1.0` must not become `1`.
 */
const text = z.string();
const textOrNull = z.string().nullable();
const mapping = z.record(z.string(), z.unknown());

const sampleFields = {
  name: text.min(1),
  type: z.enum(sampleTypes),
  unit: text,
  volume: z.union([z.number(), z.string(), z.boolean(), z.null()]),
  resource_id: textOrNull,
  timestamp: text,
  resource_metadata: mapping,
  project_id: textOrNull,
  project_name: textOrNull,
  user_id: textOrNull,
  user_name: textOrNull,
  source: text,
  id: text,
  monotonic_time: z.number().nullable(),
};

const traits = z
  .union([mapping, z.array(z.tuple([z.string(), z.int().min(0).max(4), z.unknown()]))])
  .describe('`name: value`, or a list of `[name, type, value]` where the type matters.');

const eventFields = { event_type: text.min(1), message_id: text, generated: text, traits, raw: mapping };

const GivenSample = z.strictObject({
  ...z.object(sampleFields).partial().shape,
  name: sampleFields.name,
  volume: sampleFields.volume,
});

const GivenEvent = z.strictObject({ ...z.object(eventFields).partial().shape, event_type: eventFields.event_type });

const notificationFields = {
  event_type: text.min(1).optional(),
  payload: z.unknown().optional().describe('As the service sends it.'),
  priority: z.enum([...priorities, ...priorities.map((word) => word.toUpperCase())]).optional(),
  publisher_id: textOrNull.optional(),
  message_id: text.optional(),
  timestamp: text.optional(),
  ctxt: mapping.optional(),
};

// A recorded notification may be pasted as it is: `_context_…` and `_unique_id` are part of it. What is required is asked for here, so that
// a misspelt key is told together with the one that is missing.
const GivenNotification = z.looseObject(notificationFields).superRefine((given, context) => {
  const unknown = Object.keys(given).filter((key) => !key.startsWith('_') && !Object.hasOwn(notificationFields, key));
  if (unknown.length > 0) context.addIssue({ code: 'unrecognized_keys', keys: unknown, input: given });
  for (const key of requiredOfNotifications)
    if (given[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'missing' });
});
const requiredOfNotifications = ['event_type', 'payload'] as const;

const stepFields = {
  notifications: z.array(GivenNotification).describe('Notifications as plain fields; they are converted as in an agent.'),
  file: text.min(1).describe('A file of notifications, one JSON object a line, relative to this file.'),
  samples: z.array(GivenSample).describe('Samples as they come out of the conversion, each a notification of its own.'),
  events: z.array(GivenEvent).describe('Events as they come out of the conversion, each a notification of its own.'),
  pass: duration.describe('Time that passes: windows close, deadlines come due.'),
};
const stepNames: readonly string[] = Object.keys(stepFields);

const Step = z
  .looseObject(z.object(stepFields).partial().shape)
  .superRefine((step, context) => {
    const names = Object.keys(step);
    const unknown = names.filter((name) => !stepNames.includes(name));
    if (unknown.length > 0) context.addIssue({ code: 'unrecognized_keys', keys: unknown, input: step });
    else if (names.length !== 1)
      context.addIssue({ code: 'custom', message: `expected one of ${stepNames.join(', ')} in each step` });
  })
  .meta({ minProperties: 1, maxProperties: 1 });

const counts = z.record(z.string().min(1), z.int().min(1));

const answer = z
  .strictObject({ status: z.int().min(100).max(599), headers: z.record(z.string(), text).default({}), body: text.default('{}') })
  .describe('What the server answers to this request. Left out: 200.');

const Sent = z.strictObject({
  ...z
    .object({
      method: text,
      url: text,
      headers: mapping,
      body: z.unknown(),
      exchange: text,
      routing_key: text,
      topic: text,
      key: text,
      stream: text,
      id: text,
      table: text,
      path: text,
      deliver: z.enum(['local', 'remote']),
      to: z.array(text),
      subject: text,
      text,
      html: textOrNull,
    })
    .partial().shape,
  answer: answer.optional(),
});

const Case = z.strictObject({
  title: text.min(1).max(200).describe('What is true of the pipeline, as a sentence.'),
  at: text
    .refine((time) => !Number.isNaN(parseEventTime(time)), 'expected a time in ISO 8601, such as 2024-03-04T05:00:00')
    .optional()
    .describe('The clock at the beginning. Default: so late that nothing given is from the future.'),
  given: z.array(Step).min(1).describe('What comes in, and the time that passes in between, in order.'),
  expect: z
    .array(z.strictObject({ ...z.object({ ...sampleFields, ...eventFields }).partial().shape }))
    .describe('What comes out, all of it. Only the fields that are named are compared.'),
  unordered: z.boolean().default(false).describe('The order of what comes out does not matter.'),
  within: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'How far a number may be off, as a share of it: 0.01 for percentiles, which are computed that exactly. Left out: not at all.',
    ),
  published: z
    .record(text.min(1), z.array(Sent))
    .default({})
    .describe(
      'By name of a target: what it gets (requests, messages, rows, mails, …), all of it and in order. Only the fields that are named are compared.',
    ),
  dropped: counts.optional().describe('What is dropped, by reason, all of it. Left out: not compared.'),
  dead_letters: counts.default({}).describe('What becomes a dead letter, by reason. Left out: nothing may.'),
});

export const PipelineTest = z.array(Case).min(1, 'expected at least one case');

/** For editors: draft 7, as the other schemas. */
export function pipelineTestJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(PipelineTest, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      delete jsonSchema.propertyNames;
      if (zodSchema === Step || zodSchema === GivenNotification) jsonSchema.additionalProperties = false;
      if (zodSchema !== GivenNotification) return;
      jsonSchema.required = [...requiredOfNotifications];
      jsonSchema.patternProperties = { '^_': {} };
    },
  });
  return { $schema, title: 'Tests of a sink of ceilograph', ...rest };
}
