import { z } from 'zod';
import { isAddress } from '../core/mail/address.ts';
import { duration } from '../core/transformers/duration.ts';
import { isLoopback } from '../lib/loopback.ts';
import { TlsFiles } from '../model/tls-files.ts';
import { SinkName } from './sink-schema.ts';

const hostName = z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/, 'expected a host name or an address');

const MailServerSchema = z
  .strictObject({
    host: hostName.describe('Name or address.'),
    port: z.int().min(1).max(65_535).optional().describe('Without it: 25, 465 for `implicit`, 587 with credentials.'),
    name: SinkName.optional().describe('For logs and metrics. Without it: host and port.'),
    tls: z
      .enum(['off', 'opportunistic', 'required', 'implicit'])
      .default('required')
      .describe(
        '`required`: STARTTLS or no mail. `implicit`: TLS from the first byte. `opportunistic`: encrypted where the server can, unverified. `off`: plain text.',
      ),
    tls_files: TlsFiles.optional().describe('Whom to trust, who we are.'),
    user: z.string().min(1).optional().describe('Sign in as; needs one of the two files.'),
    password_file: z.string().min(1).optional().describe('A file with the password, read for every session.'),
    token_file: z
      .string()
      .min(1)
      .optional()
      .describe('A file with an OAuth 2.0 access token (XOAUTH2), kept fresh by somebody else, read for every session.'),
    sessions: z.int().min(1).max(20).default(2).describe('Connections at a time.'),
  })
  .refine((server) => (server.user === undefined) === (server.password_file === undefined && server.token_file === undefined), {
    path: ['user'],
    error: '`user` and one of `password_file` and `token_file` come together',
  })
  .refine((server) => server.password_file === undefined || server.token_file === undefined, {
    path: ['token_file'],
    error: 'expected one of `password_file` and `token_file`',
  })
  .refine(
    (server) => server.user === undefined || server.tls === 'required' || server.tls === 'implicit' || isLoopback(server.host),
    {
      path: ['tls'],
      error: 'credentials go only over `required` or `implicit` TLS, or to this machine',
    },
  );

/** `mail:` what the publishers of kind `mail` send through. */
export const MailSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      from: z
        .string()
        .refine(
          (text) => isAddress(/^[^<>\r\n]*<([^<>]*)>$/.exec(text)?.[1] ?? text),
          'expected a@b.example or Name <a@b.example>',
        )
        .describe('The sender.'),
      hello: hostName.optional().describe('Our name towards servers, and in Message-IDs. Without it: the name of this machine.'),
      servers: z
        .array(MailServerSchema)
        .min(1)
        .max(16)
        .describe('In the order they are used: the next one when one does not work.'),
      dkim: z
        .strictObject({
          domain: hostName.describe('Whose signature it is.'),
          selector: z
            .string()
            .regex(/^[A-Za-z0-9._-]{1,63}$/)
            .describe('Where its public key stands.'),
          key_file: z.string().min(1).describe('The private key (PEM), read at start.'),
        })
        .optional()
        .describe('Sign mails.'),
      max_deliveries: z
        .int()
        .min(10)
        .default(100_000)
        .describe(
          'So many may wait, one per recipient. From 80 % on new ones are gathered into digests; at the bound sinks wait.',
        ),
      max_bytes: z
        .int()
        .min(1024 * 1024)
        .default(1024 * 1024 * 1024)
        .describe('So do so many bytes.'),
      on_uncertain: z
        .enum(['retry', 'hold'])
        .default('retry')
        .describe(
          'A server that fell silent after the end of a mail may have it: `retry` sends it again, `hold` waits for `mail retry`.',
        ),
      outcomes: z
        .enum(['grouped', 'each'])
        .default('grouped')
        .describe(
          'How deliveries are written down: up to 50 of a session together, or each before the next mail. What was sent and not written down is sent again after a crash.',
        ),
      first_retry: duration.prefault('30s').describe('The first pause before a mail is tried again, doubled each time,'),
      longest_retry: duration.prefault('1h').describe('up to this.'),
      greylist_retry: duration.prefault('5m').describe('And not before this where a server greylists.'),
      answer_timeout: duration
        .prefault('60s')
        .describe('How long a server may take for an answer. After the end of a mail it has ten minutes.'),
    }),
  ])
  .default('off')
  .describe('Mail servers, for publishers of kind `mail`.');

export type MailValues = Exclude<z.output<typeof MailSchema>, 'off'>;
