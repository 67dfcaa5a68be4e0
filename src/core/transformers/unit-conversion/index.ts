import { z } from 'zod';
import { Float, type Json } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { multiply } from '../../expression/arithmetic.ts';
import {
  capped,
  compileMapping,
  compileScale,
  conversionProblems,
  converted,
  Source,
  Target,
  targetType,
} from '../conversion.ts';
import { strictCompat, unknownParameters } from '../lenient.ts';
import type { StatelessTransformer } from '../transformer.ts';

const Parameters = z.looseObject({ source: Source, target: Target, strict_compat: strictCompat }).transform((raw) => {
  const scale = compileScale(raw.target?.scale as Json | undefined);
  return {
    strict: raw.strict_compat,
    unit: raw.source != null && Object.hasOwn(raw.source, 'unit') ? (raw.source.unit as Json) : undefined,
    scale,
    mapping: compileMapping(raw.source, raw.target),
    type: targetType(raw.target),
    max: raw.target?.max as Json | undefined,
    problems: [
      ...unknownParameters(raw, ['source', 'target', 'strict_compat']),
      ...conversionProblems(raw.source, raw.target, scale),
    ],
  };
});
type Parameters = z.infer<typeof Parameters>;

export const unitConversion: StatelessTransformer<Parameters> = {
  name: 'unit_conversion',
  summary: 'Another unit, name, type or scale for a sample.',
  takes: ['samples'],
  scope: 'none',
  Parameters: Parameters as unknown as StatelessTransformer<Parameters>['Parameters'],
  examples: [
    {
      title: 'Bytes to kilobytes',
      yaml: 'source: { unit: B }\ntarget: { name: disk.kilobytes, unit: KB, scale: "volume / 1024.0" }',
      given: [
        { name: 'disk.read.bytes', unit: 'B', volume: 2048 },
        { name: 'cpu', unit: 'ns', volume: 7 },
      ],
      expect: [
        { name: 'disk.kilobytes', unit: 'KB', volume: new Float(2) },
        { name: 'cpu', unit: 'ns', volume: 7 },
      ],
    },
  ],
  rewrites: () => ['name', 'unit', 'type', 'volume'],
  problems: (parameters) => parameters.problems,
  step(parameters, item) {
    const sample = item as Sample;
    if (parameters.unit !== undefined && parameters.unit !== sample.unit) return { out: [{ item }] };
    const { mapping, scale, type, max, strict } = parameters;
    const volume = capped(multiply(scale.apply(sample), 1), max);
    const name = mapping.name(sample);
    return {
      out: [{ item: converted(sample, name, mapping.unit(sample), type === undefined ? sample.type : type, volume, strict) }],
    };
  },
};
