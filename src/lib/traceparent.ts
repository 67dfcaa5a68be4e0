/** `00-<trace id>-<span id>-<flags>`, https://www.w3.org/TR/trace-context/. */
const form = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What a header says of the trace a message belongs to; undefined for anything that is none. Headers come as text or as bytes. */
export function traceparentOf(header: unknown): string | undefined {
  const text = header instanceof Uint8Array ? Buffer.from(header).toString('latin1') : header;
  return typeof text === 'string' && form.test(text) && !text.startsWith('ff') ? text : undefined;
}
