/** A time of day in minutes, in a time zone. `to` before `from` goes over midnight. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
  /** 1 is Monday. The day on which the quiet time begins. */
  readonly days: readonly number[];
  readonly timeZone: string;
}

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const minuteMs = 60_000;
const dayMinutes = 1_440;

/** When the quiet time that `now` is in ends; null: it is not quiet. */
export function quietUntil(hours: QuietHours, now: number): number | null {
  const { minutes, day } = localTime(now, hours.timeZone);
  const overMidnight = hours.to <= hours.from;
  const yesterday = ((day + 5) % 7) + 1;
  const begunToday = minutes >= hours.from && (overMidnight || minutes < hours.to) && hours.days.includes(day);
  const begunYesterday = overMidnight && minutes < hours.to && hours.days.includes(yesterday);
  if (!begunToday && !begunYesterday) return null;
  const left = begunToday && overMidnight ? dayMinutes - minutes + hours.to : hours.to - minutes;
  return adjusted(now - (now % minuteMs) + left * minuteMs, hours);
}

/** A change of summer time in between moves the end by an hour: the wall clock counts. */
function adjusted(guess: number, { to, timeZone }: QuietHours): number {
  const off = (localTime(guess, timeZone).minutes - to + dayMinutes + dayMinutes / 2) % dayMinutes;
  return guess - (off - dayMinutes / 2) * minuteMs;
}

function localTime(at: number, timeZone: string): { readonly minutes: number; readonly day: number } {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return { minutes: Number(part('hour')) * 60 + Number(part('minute')), day: dayNames.indexOf(part('weekday')) + 1 };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-GB', { timeZone: name });
    return true;
  } catch {
    return false; // RangeError: it knows no such zone
  }
}
