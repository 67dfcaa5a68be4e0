import { isObject, type Json, type JsonObject, toFloat } from '../../../model/json.ts';
import { isTruthy } from '../../python/compare.ts';
import { pyFloat } from '../../python/number.ts';
import { PythonError } from '../../python/python-error.ts';
import { compilePattern } from '../../python/regex/pattern.ts';
import { pySplit, pyStr } from '../../python/text.ts';
import { type NotificationDocument, payloadMetadata, sampleTime } from '../document.ts';
import type { SampleDraft } from '../draft.ts';
import { get, item, objectOf, type SampleEndpoint } from './endpoint.ts';

export type IpmiMetric = 'Current' | 'Fan' | 'Temperature' | 'Voltage';

const siUnits: { readonly [unit: string]: string | undefined } = { Watts: 'W', Volts: 'V' };

/** Sensor data that ironic announces: one gauge per sensor of the metric whose reading can be read. */
export function ipmiEndpoint(metric: IpmiMetric): SampleEndpoint {
  return {
    matches: compilePattern('hardware.ipmi.*').matches,
    build: (document) => {
      const sensors = sensorsOf(document.notification.payload, metric);
      if (sensors === undefined) return [];
      return Object.values(objectOf(sensors)).flatMap((sensor) => toDrafts(document, metric, sensor) ?? []);
    },
  };
}

function sensorsOf(payload: Json, metric: IpmiMetric): Json | undefined {
  try {
    return item(item(payload, 'payload'), metric);
  } catch (error) {
    if (error instanceof PythonError && error.kind === 'KeyError') return undefined;
    throw error;
  }
}

/** Undefined for a sensor that is passed over: no id, no reading, disabled, or a reading that is no number with a unit. */
function toDrafts(document: NotificationDocument, metric: IpmiMetric, sensor: Json): SampleDraft[] | undefined {
  const { payload, publisher_id } = document.notification;
  if (!Object.hasOwn(objectOf(payload), 'node_uuid')) return undefined;
  if (!isObject(sensor)) throw new PythonError('TypeError', 'a sensor is no object');
  if (!Object.hasOwn(sensor, 'Sensor ID')) return undefined;
  const node = item(payload, 'node_uuid');
  const sensorId = textOf(item(sensor, 'Sensor ID'));
  if (metric === 'Current' && sensorId.includes('Pwr Consumption')) return undefined;
  const time = item(payload, 'timestamp');
  const eventType = item(payload, 'event_type');
  if (!Object.hasOwn(sensor, 'Sensor Reading')) return undefined;
  const reading = item(sensor, 'Sensor Reading');
  if (reading === 'Disabled') return undefined;
  const parsed = parseReading(textOf(reading));
  if (parsed === undefined) return undefined;
  if (!isTruthy(time)) throw new PythonError('KeyError', 'metadata');
  const described: JsonObject = { ...sensor, node };
  return [
    {
      name: `hardware.ipmi.${metric.toLowerCase()}`,
      type: 'gauge',
      unit: parsed.unit,
      volume: parsed.volume,
      user_id: get(payload, 'user_id'),
      user_name: null,
      project_id: get(payload, 'project_id'),
      project_name: null,
      resource_id: `${pyStr(node)}-${sensorId.toLowerCase().replaceAll(' ', '_')}`,
      timestamp: sampleTime(time),
      resource_metadata: payloadMetadata(described, eventType, publisher_id),
      source: null,
      id: null,
    },
  ];
}

function textOf(value: Json): string {
  if (typeof value !== 'string') throw new PythonError('AttributeError', 'the value is no text');
  return value;
}

/** `12 Volts` is 12.0 V; the unit is the last word. */
function parseReading(reading: string): { volume: Json; unit: string } | undefined {
  const [number, rest] = pySplit(reading, ' ', 1);
  if (number === undefined || rest === undefined) return undefined;
  try {
    const word = rest.slice(rest.lastIndexOf(' ') + 1);
    return { volume: toFloat(pyFloat(number)), unit: (Object.hasOwn(siUnits, word) ? siUnits[word] : undefined) ?? word };
  } catch (error) {
    if (error instanceof PythonError && error.kind === 'ValueError') return undefined;
    throw error;
  }
}
