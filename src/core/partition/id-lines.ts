import { Fault } from '../../model/faults.ts';

/** Ids as they are stored: `listener seq hex` and a line feed each, appended as they come, never changed. */
export function idLine(listener: string, seq: number, high: number, low: number): string {
  // Through a bigint: `toString(16)` of two numbers takes four times as long.
  const hex = ((BigInt(high) << 32n) | BigInt(low)).toString(16);
  return `${listener} ${seq} ${hex}\n`;
}

/** Line by line without a list of them: a slice may hold a million. Throws a fatal Fault `state_damaged` at what is no such line. */
export function eachIdLine(text: string, visit: (listener: string, seq: number, high: number, low: number) => void): void {
  for (let from = 0, end = 0; from < text.length; from = end + 1) {
    end = text.indexOf('\n', from);
    if (end < 0) end = text.length;
    if (end === from) continue;
    const afterListener = text.indexOf(' ', from);
    const afterSeq = text.indexOf(' ', afterListener + 1);
    const split = Math.max(afterSeq + 1, end - 8);
    const high = split === afterSeq + 1 ? 0 : Number.parseInt(text.slice(afterSeq + 1, split), 16);
    const low = Number.parseInt(text.slice(split, end), 16);
    const seq = Number(text.slice(afterListener + 1, afterSeq));
    if (!Number.isSafeInteger(seq) || Number.isNaN(high + low))
      throw new Fault('fatal', 'state_damaged', `The stored ids hold a line that is none: ${text.slice(from, end)}`);
    visit(text.slice(from, afterListener), seq, high, low);
  }
}
