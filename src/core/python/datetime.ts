import { charCodeAt } from '../../model/char-code-at.ts';
import type { Json } from '../../model/json.ts';
import { PythonError } from './python-error.ts';

// `oslo_utils.timeutils.parse_isotime` (the iso8601 package) and `datetime.isoformat`, without any clock or time zone database.

/**
 * `naiveUtc(parseDateTime(text))` for the two forms that nearly all senders use (`2024-03-04 05:06:07` and with six decimals, without
 * offset or with `Z` or `+00:00`); undefined for every other text. A sixth of the general way's price.
 */
export function quickUtc(text: Json): string | undefined {
  if (typeof text !== 'string' || text.length < 19 || text.length > 32) return undefined;
  const separator = charCodeAt(text, 10);
  if (charCodeAt(text, 4) !== 45 || charCodeAt(text, 7) !== 45 || charCodeAt(text, 13) !== 58 || charCodeAt(text, 16) !== 58)
    return undefined;
  if (separator !== 32 && separator !== 84) return undefined;
  const month = two(text, 5);
  const day = two(text, 8);
  // No 29th of February here: the general way knows the leap years.
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= (monthDays[month - 1] ?? 0))) return undefined;
  if (!(two(text, 0) + two(text, 2) > 0 && two(text, 11) <= 23 && two(text, 14) <= 59 && two(text, 17) <= 59)) return undefined;
  let end = 19;
  if (charCodeAt(text, 19) === 46) {
    end = 26;
    if (!(two(text, 20) >= 0 && two(text, 22) >= 0 && two(text, 24) >= 0)) return undefined;
    if (text.startsWith('.000000', 19)) return isUtc(text, 26) ? `${text.slice(0, 10)}T${text.slice(11, 19)}` : undefined;
  }
  return isUtc(text, end) ? `${text.slice(0, 10)}T${text.slice(11, end)}` : undefined;
}

/** Two digits, or NaN. */
function two(text: string, at: number): number {
  const a = charCodeAt(text, at) - 48;
  const b = charCodeAt(text, at + 1) - 48;
  return a >= 0 && a <= 9 && b >= 0 && b <= 9 ? a * 10 + b : Number.NaN;
}

function isUtc(text: string, end: number): boolean {
  if (text.length === end) return true;
  return text.length === end + 1 ? charCodeAt(text, end) === 90 : text.length === end + 6 && text.endsWith('+00:00');
}

/** A point in time as Python holds it: the wall fields as sent, and the offset in minutes (a missing one is UTC). */
export interface DateTime {
  /** Days since 1970-01-01 of the wall date. */
  readonly days: number;
  /** Microseconds since midnight of the wall time. */
  readonly micros: number;
  readonly offsetMinutes: number;
}

const shape =
  /^(\d{4})(?:(?:-(\d{1,2})|(\d{2})(?!\n?$))(?:(?:-(\d{1,2})|(\d{2}))(?:[ T](\d{2})(?::?(\d{2}))?(?::?(\d{1,2})(?:[.,](\d+))?)?(Z|([-+])(\d{2}):?(\d{2})?)?)?)?)?\n?$/;
const dayMicros = 86_400_000_000;
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Throws a ValueError for what is not ISO 8601 in that package's reading (`2020`, `2020-01`, `20200101T1200` are). */
export function parseDateTime(value: unknown): DateTime {
  const match = typeof value === 'string' ? shape.exec(value) : null;
  if (match === null) throw new PythonError('ValueError', 'unable to parse the date');
  const [, year, dashMonth, month, dashDay, day, hour, minute, second, fraction, zone, sign, zoneHour, zoneMinute] = match;
  const date = daysOf(Number(year), Number(dashMonth ?? month ?? 1), Number(dashDay ?? day ?? 1));
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  if (h > 23 || m > 59 || s > 59) throw new PythonError('ValueError', 'the time is out of range');
  const micros = fraction === undefined ? 0 : Number(fraction.slice(0, 6).padEnd(6, '0'));
  const offset = zone === undefined || zone === 'Z' ? 0 : Number(zoneHour) * 60 + Number(zoneMinute ?? 0);
  if (offset >= 1440) throw new PythonError('ValueError', 'the offset is a day or more');
  return {
    days: date,
    micros: ((h * 60 + m) * 60 + s) * 1_000_000 + micros,
    offsetMinutes: sign === '-' ? -offset || 0 : offset,
  };
}

/** Days since the epoch of a proleptic Gregorian date; ValueError when there is no such day. */
function daysOf(year: number, month: number, day: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  if (year < 1 || day < 1 || day > (monthDays[month - 1] ?? 0) + leap)
    throw new PythonError('ValueError', 'there is no such day');
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function dateText(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const part = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * part + 2) / 5) + 1;
  const month = part < 10 ? part + 3 : part - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  if (year < 1 || year > 9999) throw new PythonError('OverflowError', 'date value out of range');
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function pad(value: number, width: number): string {
  return `${value}`.padStart(width, '0');
}

function timeText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const rest = micros - seconds * 1_000_000;
  const text = `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
  return rest === 0 ? text : `${text}.${pad(rest, 6)}`;
}

/** `isoformat()` of the aware time: `2024-03-04T05:06:07.123456+00:00`, microseconds only when there are any. */
export function isoFormat(time: DateTime): string {
  const size = Math.abs(time.offsetMinutes);
  const offset = `${time.offsetMinutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
  return `${dateText(time.days)}T${timeText(time.micros)}${offset}`;
}

/** `normalize_time(time).isoformat()`: naive UTC. OverflowError outside the years 1 to 9999. */
function naiveUtc(time: DateTime): string {
  const micros = time.micros - time.offsetMinutes * 60_000_000;
  const shift = Math.floor(micros / dayMicros);
  return `${dateText(time.days + shift)}T${timeText(micros - shift * dayMicros)}`;
}

/** `normalize_time(parse_isotime(value)).isoformat()`. */
export function toNaiveUtc(value: Json): string {
  return quickUtc(value) ?? naiveUtc(parseDateTime(value));
}

/** `parse_isotime(value).isoformat()`. */
export function toIsoFormat(value: Json): string {
  const quick = quickUtc(value);
  return quick === undefined ? isoFormat(parseDateTime(value)) : `${quick}+00:00`;
}

/** Seconds from `start` to `end` as Python's `total_seconds()`. */
export function secondsBetween(start: DateTime, end: DateTime): number {
  const micros = end.micros - start.micros - (end.offsetMinutes - start.offsetMinutes) * 60_000_000;
  return ((end.days - start.days) * dayMicros + micros) / 1_000_000;
}
