/** How we sign in. A token is an OAuth 2.0 access token (XOAUTH2), made by somebody else and read from a file before each session. */
export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly user: string; readonly token: string };

type Mechanism = 'PLAIN' | 'LOGIN' | 'XOAUTH2';

/** PLAIN before LOGIN: one round trip, and a standard (RFC 4616). CRAM-MD5 is left out: it needs the server to keep passwords readable. */
function mechanismOf(credentials: Credentials, offered: readonly string[]): Mechanism | null {
  const wanted: readonly Mechanism[] = credentials.kind === 'token' ? ['XOAUTH2'] : ['PLAIN', 'LOGIN'];
  return wanted.find((mechanism) => offered.includes(mechanism)) ?? null;
}

/** Null: no mechanism that both know. */
export function firstAuthLine(credentials: Credentials, offered: readonly string[]): string | null {
  switch (mechanismOf(credentials, offered)) {
    case 'PLAIN':
      return `AUTH PLAIN ${base64(plainWords(credentials))}`;
    case 'LOGIN':
      return 'AUTH LOGIN';
    case 'XOAUTH2':
      return `AUTH XOAUTH2 ${base64(tokenWords(credentials))}`;
    case null:
      return null;
  }
}

/** The answer to the `step`th 334. Null: the server asks more than there is to say. */
export function nextAuthLine(credentials: Credentials, offered: readonly string[], step: number): string | null {
  switch (mechanismOf(credentials, offered)) {
    case 'PLAIN':
      return step === 0 ? base64(plainWords(credentials)) : null; // it did not take what stood in the first line
    case 'LOGIN':
      return step === 0 ? base64(credentials.user) : step === 1 ? base64(secretOf(credentials)) : null;
    case 'XOAUTH2':
      return step === 0 ? '' : null; // 334 is its refusal, with the reason in JSON; an empty line makes it say 535
    case null:
      return null;
  }
}

function secretOf(credentials: Credentials): string {
  return credentials.kind === 'password' ? credentials.password : credentials.token;
}

function plainWords(credentials: Credentials): string {
  return `\u0000${credentials.user}\u0000${secretOf(credentials)}`;
}

function tokenWords(credentials: Credentials): string {
  return `user=${credentials.user}\u0001auth=Bearer ${secretOf(credentials)}\u0001\u0001`;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
