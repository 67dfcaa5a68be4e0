/**
 * A mail address that may stand in a command and in a header: one `@`, no space, no control character, no `<>",:;()\\[]` (quoted local
 * parts and address literals are left out: no operator has one, and each is a way to smuggle). Letters beyond ASCII may stand in the
 * local part; then the server must know SMTPUTF8. The domain is in its ASCII form.
 */
const local = /^[^\s@<>()[\]\\,;:"\u0000-\u001f\u007f]{1,64}$/;
const domain = /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/i;

export function isAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && local.test(text.slice(0, at)) && domain.test(text.slice(at + 1));
}

/** Does it need SMTPUTF8? */
export function isBeyondAscii(text: string): boolean {
  return /[^\u0000-\u007f]/.test(text);
}
