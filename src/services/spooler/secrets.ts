import type { SpoolerSettings } from '../../core/spool/settings.ts';
import { isLoopback } from '../../lib/loopback.ts';
import { Fault } from '../../model/faults.ts';
import { type TlsOptions, tlsOptions } from '../../model/tls-files.ts';

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
}

/** What the configuration names and does not hold. */
export interface Secrets {
  readonly key: string | undefined;
  readonly serverTls: ServerTls | undefined;
  /** By `address:port`. */
  readonly clientTls: ReadonlyMap<string, TlsOptions>;
}

/**
 * Reads the files that the settings name. Throws a fatal Fault for one that cannot be read, and for a connection beyond this machine
 * that nobody said may be plain.
 */
export async function readSecrets(settings: SpoolerSettings, read: (path: string) => Promise<string>): Promise<Secrets> {
  const { tcp_server: server, tcp_client: client, shared_key_file: keyFile } = settings;
  const clientTls = new Map<string, TlsOptions>();
  for (const each of client?.servers ?? []) {
    const name = `${each.address}:${each.port}`;
    if (each.tls !== undefined) clientTls.set(name, await tlsOptions(each.tls, read));
    else requirePlain(name, each.address, each.encryption);
  }
  let serverTls: ServerTls | undefined;
  if (server?.tls !== undefined) {
    const { cert_file, key_file, client_ca_file } = server.tls;
    const own = { cert: await read(cert_file), key: await read(key_file) };
    const asked =
      client_ca_file === undefined ? {} : { ca: await read(client_ca_file), requestCert: true, rejectUnauthorized: true };
    serverTls = { ...own, ...asked };
  } else if (server !== undefined) requirePlain(`${server.address}:${server.listen}`, server.address, server.encryption);
  const key = keyFile === undefined ? undefined : (await read(keyFile)).trim();
  if (key === '') throw new Fault('fatal', 'empty_secret', `${keyFile} holds no key`);
  return { key, serverTls, clientTls };
}

function requirePlain(name: string, address: string, encryption: 'encrypted' | 'unencrypted' | undefined): void {
  if (encryption === 'unencrypted' || (encryption === undefined && isLoopback(address))) return;
  throw new Fault('fatal', 'plain_connection', `${name} has no tls: give it one, or say encryption: unencrypted`);
}
