import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../model/faults.ts';

export const TlsSchema = z
  .strictObject({
    ca_file: z.string().optional().describe('Certificates to trust instead of the system ones (PEM).'),
    cert_file: z.string().optional().describe('Our certificate (PEM); needs `key_file`.'),
    key_file: z.string().optional().describe('The key of our certificate (PEM).'),
    server_name: z.string().optional().describe('The name the certificate of the server must have, when not the one in the URL.'),
    verify: z.boolean().default(true).describe('Refuse a server whose certificate is not trusted. Switch off for a trial only.'),
  })
  .refine((tls) => (tls.cert_file === undefined) === (tls.key_file === undefined), 'cert_file and key_file come together');
export type TlsParameters = z.output<typeof TlsSchema>;

/** The options as `node:tls` takes them. Throws a fatal Fault when a file cannot be read. */
export async function readTls(tls: TlsParameters | undefined, baseDir: string): Promise<Readonly<Record<string, unknown>>> {
  if (tls === undefined) return {};
  const read = (path: string) => readConfigured(path, baseDir);
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.ca_file === undefined ? {} : { ca: await read(tls.ca_file) }),
    ...(tls.cert_file === undefined ? {} : { cert: await read(tls.cert_file) }),
    ...(tls.key_file === undefined ? {} : { key: await read(tls.key_file) }),
    ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
  };
}

/** A file that the configuration names (certificate, secret), relative to it. Not readable: fatal, nothing will heal it. */
export async function readConfigured(path: string, baseDir: string): Promise<string> {
  try {
    return await readFile(resolve(baseDir, path), 'utf8');
  } catch (error) {
    throw new Fault('fatal', 'unreadable_file', `cannot read ${resolve(baseDir, path)}`, { cause: error });
  }
}
