const [cr, lf, dot] = [13, 10, 46];

/**
 * A message as it goes over the wire: every line that begins with a dot gets one more (RFC 5321, 4.5.2), and the end of the text and
 * the final dot follow. The message has CRLF line ends only; `wireReady` says so before it is accepted.
 */
export function dotStuffed(message: Uint8Array): Uint8Array {
  let dots = 0;
  for (let at = message.indexOf(dot); at >= 0; at = message.indexOf(dot, at + 1)) if (beginsLine(message, at)) dots += 1;
  const endsLine = message.length === 0 || (message[message.length - 1] === lf && message[message.length - 2] === cr);
  const tail = endsLine ? [dot, cr, lf] : [cr, lf, dot, cr, lf];
  const stuffed = new Uint8Array(message.length + dots + tail.length);
  let from = 0;
  let to = 0;
  for (let at = message.indexOf(dot); at >= 0; at = message.indexOf(dot, at + 1)) {
    if (!beginsLine(message, at)) continue;
    stuffed.set(message.subarray(from, at), to);
    to += at - from;
    stuffed[to++] = dot;
    from = at;
  }
  stuffed.set(message.subarray(from), to);
  stuffed.set(tail, to + message.length - from);
  return stuffed;
}

function beginsLine(message: Uint8Array, at: number): boolean {
  return at === 0 || (message[at - 1] === lf && message[at - 2] === cr);
}

/** Why a message cannot go as it is: a bare CR or LF, a NUL, a line beyond 998 octets (RFC 5322, 2.1.1). Null: it can. */
export function wireFault(message: Uint8Array): string | null {
  let lineStart = 0;
  for (let at = 0; at < message.length; at++) {
    const byte = message[at];
    if (byte === 0) return 'a NUL byte';
    if (byte === lf && message[at - 1] !== cr) return 'a line feed without its carriage return';
    if (byte === cr && message[at + 1] !== lf) return 'a carriage return without its line feed';
    if (byte === lf) {
      if (at - 1 - lineStart > 998) return `a line of ${at - 1 - lineStart} octets`;
      lineStart = at + 1;
    }
  }
  return message.length - lineStart > 998 ? `a line of ${message.length - lineStart} octets` : null;
}
