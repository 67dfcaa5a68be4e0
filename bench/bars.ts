/** What was promised, beside what was measured. */
export interface Bar {
  readonly bar: string;
  readonly measured: number;
  readonly atMost: number;
  readonly held: boolean;
}

export function bar(name: string, measured: number, atMost: number): Bar {
  return { bar: name, measured, atMost, held: measured <= atMost };
}

export function barLines(bars: readonly Bar[]): string {
  const line = ({ bar: name, measured, atMost, held }: Bar) =>
    `  ${held ? 'held  ' : 'MISSED'}  ${`${measured}`.padStart(8)}  ≤ ${`${atMost}`.padEnd(5)}  ${name}`;
  return ['', ...bars.map(line)].join('\n');
}
