import type { Reply } from './reply.ts';

/** What a server said it can, in its answer to EHLO. After STARTTLS it counts anew: what came in plain text may be somebody else's word. */
export interface Capabilities {
  readonly pipelining: boolean;
  /** Largest message in bytes; 0: it did not say. */
  readonly size: number;
  readonly eightBit: boolean;
  readonly utf8: boolean;
  readonly startTls: boolean;
  readonly auth: readonly string[];
}

export const noCapabilities: Capabilities = {
  pipelining: false,
  size: 0,
  eightBit: false,
  utf8: false,
  startTls: false,
  auth: [],
};

/** The first line is the server's name. Old servers write `AUTH=LOGIN`. */
export function capabilitiesIn(reply: Reply): Capabilities {
  const words = reply.lines.slice(1).map((line) =>
    line
      .trim()
      .toUpperCase()
      .replace(/^AUTH=/, 'AUTH ')
      .split(/\s+/),
  );
  const has = (name: string) => words.some(([word]) => word === name);
  const size = words.find(([word]) => word === 'SIZE')?.[1] ?? '0';
  return {
    pipelining: has('PIPELINING'),
    size: /^\d{1,15}$/.test(size) ? Number(size) : 0,
    eightBit: has('8BITMIME'),
    utf8: has('SMTPUTF8'),
    startTls: has('STARTTLS'),
    auth: [...new Set(words.filter(([word]) => word === 'AUTH').flatMap(([, ...mechanisms]) => mechanisms))],
  };
}
