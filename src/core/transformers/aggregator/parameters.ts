import { z } from 'zod';
import { isNumeric, type Json, type Numeric } from '../../../model/json.ts';
import { truthy } from '../../expression/value.ts';
import { pyFloat, pyInt } from '../../python/number.ts';
import { compileMapping, compileScale, conversionProblems, messageOf, Source, Target, targetType } from '../conversion.ts';
import { lenient, strictCompat, unknownParameters } from '../lenient.ts';

const known = [
  'size',
  'retention_time',
  'user_id',
  'project_id',
  'resource_metadata',
  'timestamp',
  'source',
  'target',
  'strict_compat',
];
const policy = z.enum(['first', 'last']);
const number = z.union([z.number(), z.string(), z.null(), z.custom<Numeric>(isNumeric)]);

export type Policy = 'first' | 'last' | 'drop';

export const Parameters = z
  .looseObject({
    size: lenient(
      number.describe(
        'Samples, of all keys together, after which all aggregates are let go. Default 1; null with retention_time alone.',
      ),
    ),
    retention_time: lenient(number.describe('Seconds after the first sample when all aggregates are let go.')),
    user_id: lenient(policy.describe('Which user_id an aggregate keeps; without it users are aggregated apart.')),
    project_id: lenient(policy.describe('Which project_id an aggregate keeps; without it projects are aggregated apart.')),
    resource_metadata: lenient(z.enum(['first', 'last', 'drop']).describe('Default last.')),
    timestamp: lenient(policy.describe('Default first.')),
    source: Source,
    target: Target,
    strict_compat: strictCompat,
  })
  .transform((raw, context) => {
    const convert = (name: string, value: Json | undefined, to: (value: Json) => number | bigint): number | null => {
      if (value === undefined || !truthy(value)) return null;
      try {
        return Number(to(value));
      } catch (error) {
        context.addIssue({ code: 'custom', path: [name], message: messageOf(error) });
        return null;
      }
    };
    const strict = raw.strict_compat;
    const retention = convert('retention_time', raw.retention_time, pyFloat);
    // Ceilometer's default of 1 holds even when only retention_time is given, so that nothing is ever retained.
    const defaultSize = strict || retention === null ? 1 : null;
    let size = convert('size', raw.size === undefined ? defaultSize : raw.size, pyInt);
    if (!size && !retention) size = 1;
    const scale = compileScale(raw.target?.scale as Json | undefined);
    const problems = [...unknownParameters(raw, known), ...conversionProblems(raw.source, raw.target, scale)];
    const choose = (name: string, value: Json | undefined, allowed: readonly string[]): Policy => {
      if (typeof value === 'string' && allowed.includes(value)) return value as Policy;
      problems.push(`${name} is none of ${allowed.join(', ')}: last is used`);
      return 'last';
    };
    return {
      strict,
      size,
      retentionMicros: retention ? Math.round(retention * 1e6) : null,
      user: truthy((raw.user_id as Json | undefined) ?? null) ? choose('user_id', raw.user_id, ['first', 'last']) : null,
      project: truthy((raw.project_id as Json | undefined) ?? null)
        ? choose('project_id', raw.project_id, ['first', 'last'])
        : null,
      metadata:
        raw.resource_metadata === undefined
          ? 'last'
          : choose('resource_metadata', raw.resource_metadata, ['first', 'last', 'drop']),
      lastTimestamp: raw.timestamp === 'last',
      mapping: compileMapping(raw.source, raw.target),
      scale,
      type: targetType(raw.target),
      max: raw.target?.max as Json | undefined,
      problems,
    };
  });
export type Parameters = z.infer<typeof Parameters>;
