import { Float, type Json, toInt } from '../model/json.ts';

/**
 * Our own files are YAML 1.2 (core schema). Ceilometer's are what PyYAML makes of them: YAML 1.1, so `yes`, `no`, `on` and `off` are
 * booleans, `010` is 8, `1_000` is 1000, `1:30` is 90, and `1e9` (no dot) is text.
 */
export type YamlDialect = 'yaml-1.2' | 'pyyaml';

/** The value of a plain (unquoted) scalar. Integers of any size are exact; `1.0` stays a float. */
export function resolvePlain(text: string, dialect: YamlDialect): Json {
  if (text === '' || text === '~' || text === 'null' || text === 'Null' || text === 'NULL') return null;
  return dialect === 'pyyaml' ? resolvePyYaml(text) : resolveCore(text);
}

function resolveCore(text: string): Json {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^[-+]?[0-9]+$/.test(text)) return integer(text);
  if (/^0o[0-7]+$|^0x[0-9a-fA-F]+$/.test(text)) return integer(text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return float(text);
  return infinite(text) ?? text;
}

function resolvePyYaml(text: string): Json {
  if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true;
  if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false;
  if (/^[-+]?0b[01_]+$|^[-+]?0x[0-9a-fA-F_]+$|^[-+]?(?:0|[1-9][0-9_]*)$/.test(text)) return integer(text.replaceAll('_', ''));
  if (/^[-+]?0[0-7_]+$/.test(text)) return integer(text.replaceAll('_', '').replace('0', '0o'));
  if (/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(text)) return sexagesimal(text);
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(text)) return sexagesimal(text);
  if (/^(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/.test(text)) return float(text.replaceAll('_', ''));
  return infinite(text) ?? text;
}

function integer(text: string): Json {
  const digits = text.replace(/^[-+]/, '');
  if (digits === '0x' || digits === '0b' || digits === '0o') return text; // only underscores followed
  const magnitude = BigInt(digits);
  return toInt(text.startsWith('-') ? -magnitude : magnitude);
}

function float(text: string): Json {
  const value = Number(text);
  return Number.isInteger(value) || !Number.isFinite(value) ? new Float(value) : value;
}

function sexagesimal(text: string): Json {
  const parts = text.replace(/^[-+]/, '').replaceAll('_', '').split(':').map(Number);
  const magnitude = parts.reduce((sum, part) => sum * 60 + part, 0);
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return text.includes('.') ? float(String(value)) : value;
}

function infinite(text: string): Float | undefined {
  if (/^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return new Float(text.startsWith('-') ? -Infinity : Infinity);
  return /^\.(?:nan|NaN|NAN)$/.test(text) ? new Float(Number.NaN) : undefined;
}
