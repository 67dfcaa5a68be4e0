const digits = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function whole(value: number): string {
  return digits.format(value);
}

/** Per second: small ones with a digit, since 0.4 is not 0. */
export function rate(value: number): string {
  return value < 10 ? oneDigit.format(value) : digits.format(value);
}

/** For an axis: `1.2 k`, `3 M`. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${oneDigit.format(value / 1_000_000)} M`;
  if (value >= 10_000) return `${oneDigit.format(value / 1_000)} k`;
  return value < 10 ? oneDigit.format(value) : digits.format(value);
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 ** 2) return `${oneDigit.format(value / 1024)} KiB`;
  if (value < 1024 ** 3) return `${oneDigit.format(value / 1024 ** 2)} MiB`;
  return `${oneDigit.format(value / 1024 ** 3)} GiB`;
}

/** `4 s`, `12 min`, `3 h`, `2 d`; a negative one, of a clock that was stepped, is none. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** One of it, or many. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${whole(n)} ${n === 1 ? one : many}`;
}
