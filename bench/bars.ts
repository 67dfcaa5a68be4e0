/** What was promised, beside what was measured. */
export interface Bar {
  readonly bar: string;
  readonly measured: number;
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly held: boolean;
}

export function bar(name: string, measured: number, atMost: number): Bar {
  return { bar: name, measured, atMost, held: measured <= atMost };
}

export function atLeast(name: string, measured: number, least: number): Bar {
  return { bar: name, measured, atLeast: least, held: measured >= least };
}

export function barLines(bars: readonly Bar[]): string {
  const line = ({ bar: name, measured, atMost, atLeast: least, held }: Bar) => {
    const bound = atMost === undefined ? `≥ ${`${least}`.padEnd(5)}` : `≤ ${`${atMost}`.padEnd(5)}`;
    return `  ${held ? 'held  ' : 'MISSED'}  ${`${measured}`.padStart(8)}  ${bound}  ${name}`;
  };
  return ['', ...bars.map(line)].join('\n');
}
