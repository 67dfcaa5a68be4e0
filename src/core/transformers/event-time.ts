import { z } from 'zod';
import { Fault } from '../../model/faults.ts';

const dayMicros = 86_400_000_000;

/** Microseconds in a state. Those of the year 1 are beyond 2^53: written down as an integer, they come back as a bigint. */
export const Micros = z.union([z.number(), z.bigint()]).transform(Number);

/**
 * The instant an ISO 8601 text names, in epoch ms (microseconds are its fraction); a naive text is UTC. NaN when it names none.
 * For time that is only compared; differences that are published come from `parseMicros`.
 */
export function parseEventTime(text: unknown): number {
  return readMicros(text) / 1_000;
}

/** Epoch microseconds, exact. Throws a poison Fault where Ceilometer's parser raised. */
export function parseMicros(text: unknown): number {
  const micros = readMicros(text);
  if (Number.isNaN(micros)) throw new Fault('poison', 'bad_timestamp', `Not an ISO 8601 time: ${String(text).slice(0, 64)}`);
  return micros;
}

function readMicros(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN;
  // The form Ceilometer itself writes, without a regular expression: `2020-01-01T00:00:00`, with microseconds and UTC's
  // offset or not.
  if (
    text.length >= 19 &&
    text.charCodeAt(4) === 45 &&
    text.charCodeAt(7) === 45 &&
    text.charCodeAt(13) === 58 &&
    text.charCodeAt(16) === 58 &&
    (text.charCodeAt(10) === 84 || text.charCodeAt(10) === 32)
  ) {
    const fraction = text.charCodeAt(19) === 46 ? digits6(text, 20) : 0;
    const end = text.charCodeAt(19) === 46 ? 26 : 19;
    const naiveOrUtc =
      text.length === end ||
      (text.length === end + 1 && text.charCodeAt(end) === 90) ||
      (text.length === end + 6 && text.endsWith('+00:00'));
    if (naiveOrUtc) {
      const micros = instant(
        digits4(text, 0),
        digits2(text, 5),
        digits2(text, 8),
        digits2(text, 11),
        digits2(text, 14),
        digits2(text, 17),
      );
      // NaN where a digit is none: the slow way says whether it is a time.
      if (!Number.isNaN(micros + fraction)) return micros + fraction;
    }
  }
  return readAnyForm(text);
}

function digits2(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function digits6(text: string, at: number): number {
  return digits4(text, at) * 100 + digits2(text, at + 4);
}

function digits4(text: string, at: number): number {
  return digits2(text, at) * 100 + digits2(text, at + 2);
}

// What the Python library `iso8601` takes, seen from its behaviour: separators may be missing, a day or month may have one digit,
// the fraction is cut (not rounded) to microseconds.
const anyForm =
  /^(\d{4})(?:(?:-(\d{1,2})|(\d{2})(?!\n?$))(?:(?:-(\d{1,2})|(\d{2}))(?:[ T](\d{2})(?::?(\d{2}))?(?::?(\d{1,2})(?:[.,](\d+))?)?(Z|([-+])(\d{2}):?(\d{2})?)?)?)?)?\n?$/;

function readAnyForm(text: string): number {
  const found = anyForm.exec(text);
  if (found === null) return Number.NaN;
  const part = (group: number, missing: number) => (found[group] === undefined ? missing : Number(found[group]));
  const [month, day] = [found[2] === undefined ? part(3, 1) : part(2, 1), found[4] === undefined ? part(5, 1) : part(4, 1)];
  const local = instant(part(1, 0), month, day, part(6, 0), part(7, 0), part(8, 0));
  const fraction = Number((found[9] ?? '').slice(0, 6).padEnd(6, '0'));
  const [hours, minutes] = [part(12, 0), part(13, 0)];
  if (hours * 60 + minutes >= 24 * 60) return Number.NaN;
  return local + fraction - (found[11] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000_000;
}

const monthLengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function instant(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lastDay = month === 2 && leap ? 29 : (monthLengths[month - 1] ?? 0);
  // Written so that NaN fails too.
  if (!(year >= 1 && month >= 1 && day >= 1 && day <= lastDay && hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  return days(year, month, day) * dayMicros + ((hour * 60 + minute) * 60 + second) * 1_000_000;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar; March is month 0, so that a leap day ends the year. */
function days(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}
