import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../model/faults.ts';
import { isPackedMap, type Packed } from '../../model/msgpack-value.ts';
import { pack } from '../../model/msgpack-writer.ts';

/**
 * Both sides prove that they know the key without telling it: hex(sha512(salt + name of who proves + nonce + key)). Nonce and auth
 * are sent as bytes, because IBM's Go client refuses texts there, and taken as either, because others send texts.
 */
export interface Challenge {
  readonly nonce: Uint8Array;
  readonly helo: Uint8Array;
}

export function challenge(): Challenge {
  const nonce = randomBytes(16);
  return { nonce, helo: pack(['HELO', { nonce, auth: new Uint8Array(0), keepalive: true }]) };
}

/** The source's answer to HELO, and what PONG must then prove. Throws a retryable Fault `bad_handshake`. */
export function answerHelo(
  values: readonly Packed[],
  site: string,
  key: string,
): { readonly ping: Uint8Array; readonly salt: Uint8Array; readonly nonce: Uint8Array } {
  const options = values[0];
  const nonce = isPackedMap(options) ? bytesOf(options['nonce']) : undefined;
  if (nonce === undefined) throw badHandshake('HELO carries no nonce');
  const salt = randomBytes(16);
  return { ping: pack(['PING', site, salt, digest(salt, site, nonce, key), '', '']), salt, nonce };
}

/** The sink's verdict on PING: who it is, and the PONG to send in any case. */
export function answerPing(
  values: readonly Packed[],
  nonce: Uint8Array,
  site: string,
  key: string,
): { readonly peer: string; readonly taken: boolean; readonly reason: string; readonly pong: Uint8Array } {
  const [peer, saltValue, proof] = values;
  const salt = bytesOf(saltValue);
  if (typeof peer !== 'string' || peer === '' || salt === undefined || typeof proof !== 'string')
    throw badHandshake('PING is not complete');
  if (peer === site) return refuse(peer, `both sides call themselves ${site}`, site);
  if (!isSame(proof, digest(salt, peer, nonce, key))) return refuse(peer, 'shared key mismatch', site);
  return { peer, taken: true, reason: '', pong: pack(['PONG', true, '', site, digest(salt, site, nonce, key)]) };
}

function refuse(peer: string, reason: string, site: string) {
  return { peer, taken: false, reason, pong: pack(['PONG', false, reason, site, '']) };
}

/** The name of the sink. Throws a retryable Fault `refused` with its reason, or `bad_handshake` when it does not know the key. */
export function verifyPong(
  values: readonly Packed[],
  asked: { readonly salt: Uint8Array; readonly nonce: Uint8Array },
  site: string,
  key: string,
): string {
  const [taken, reason, peer, proof] = values;
  if (taken !== true) throw new Fault('retryable', 'refused', `the sink refuses us: ${String(reason).slice(0, 200)}`);
  if (typeof peer !== 'string' || peer === '' || typeof proof !== 'string') throw badHandshake('PONG is not complete');
  if (peer === site) throw badHandshake(`both sides call themselves ${site}`);
  if (!isSame(proof, digest(asked.salt, peer, asked.nonce, key))) throw badHandshake('the sink does not know the shared key');
  return peer;
}

function digest(salt: Uint8Array, name: string, nonce: Uint8Array, key: string): string {
  return createHash('sha512').update(salt).update(name).update(nonce).update(key).digest('hex');
}

function bytesOf(value: Packed | undefined): Uint8Array | undefined {
  if (typeof value === 'string') return Buffer.from(value);
  return value instanceof Uint8Array ? value : undefined;
}

function isSame(proof: string, expected: string): boolean {
  const [given, wanted] = [Buffer.from(proof), Buffer.from(expected)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function badHandshake(message: string): Fault {
  return new Fault('retryable', 'bad_handshake', message);
}
