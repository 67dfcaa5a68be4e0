import { z } from 'zod';

/** How an operator says whom to trust and who we are, for every connection that may use TLS. */
export const TlsFiles = z
  .strictObject({
    ca_file: z.string().min(1).optional().describe('Certificates to trust instead of the system ones (PEM).'),
    cert_file: z.string().min(1).optional().describe('Our certificate (PEM); needs `key_file`.'),
    key_file: z.string().min(1).optional().describe('The key of our certificate (PEM).'),
    server_name: z
      .string()
      .min(1)
      .optional()
      .describe('The name the certificate of the server must have, when not the one in the URL.'),
    verify: z.boolean().default(true).describe('Refuse a server whose certificate is not trusted. Switch off for a trial only.'),
  })
  .refine((tls) => (tls.cert_file === undefined) === (tls.key_file === undefined), 'cert_file and key_file come together');
export type TlsFiles = z.output<typeof TlsFiles>;

/** As `node:tls` takes them. */
export interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** `read` gives the content of a file that the configuration names; what it throws is thrown. */
export async function tlsOptions(tls: TlsFiles | undefined, read: (path: string) => Promise<string>): Promise<TlsOptions> {
  if (tls === undefined) return {};
  return {
    rejectUnauthorized: tls.verify,
    ...(tls.ca_file === undefined ? {} : { ca: await read(tls.ca_file) }),
    ...(tls.cert_file === undefined ? {} : { cert: await read(tls.cert_file) }),
    ...(tls.key_file === undefined ? {} : { key: await read(tls.key_file) }),
    ...(tls.server_name === undefined ? {} : { servername: tls.server_name }),
  };
}
