import type { Options, SocketOptions } from 'amqplib';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured, readSecret } from '../configured-file.ts';
import type { AmqpInputParameters } from './schema.ts';

/** One broker to connect to. `label` names it in logs and never holds a user or a password. */
export interface Endpoint {
  readonly label: string;
  readonly connect: Options.Connect;
}

/** Pure. A missing user means guest, a missing path the vhost `/`, and an escaped one is unescaped (`/%2Fprod`). */
export function toEndpoint(url: string, password: string | undefined, heartbeatS: number): Endpoint {
  const parts = new URL(url);
  const protocol = parts.protocol.slice(0, -1);
  const hostname = parts.hostname.replace(/^\[|\]$/g, '');
  const port = parts.port === '' ? (protocol === 'amqps' ? 5671 : 5672) : Number(parts.port);
  const vhost = parts.pathname.length > 1 ? decodeURIComponent(parts.pathname.slice(1)) : '/';
  return {
    label: `${protocol}://${parts.hostname}:${port}/${vhost === '/' ? '' : vhost}`,
    connect: {
      protocol,
      hostname,
      port,
      // amqplib unescapes the vhost of its options once more.
      vhost: encodeURIComponent(vhost),
      username: parts.username === '' ? 'guest' : decodeURIComponent(parts.username),
      password: password ?? (parts.password === '' ? 'guest' : decodeURIComponent(parts.password)),
      heartbeat: heartbeatS,
    },
  };
}

export function urlsOf(parameters: Pick<AmqpInputParameters, 'url'>): readonly string[] {
  return typeof parameters.url === 'string' ? [parameters.url] : parameters.url;
}

/** Reads password and certificates anew at every connect, so that a rotated secret needs no restart. */
export async function readEndpoint(
  url: string,
  parameters: AmqpInputParameters,
  baseDir: string | undefined,
): Promise<{ readonly endpoint: Endpoint; readonly socket: SocketOptions }> {
  const { password_file, heartbeat_s, connect_timeout_ms, tls } = parameters;
  const password = password_file === undefined ? undefined : await readSecret(password_file, baseDir);
  const trust = await tlsOptions(tls, (path) => readConfigured(path, baseDir));
  const socket: SocketOptions = { noDelay: true, keepAlive: true, timeout: connect_timeout_ms, ...trust };
  return { endpoint: toEndpoint(url, password, heartbeat_s), socket };
}
