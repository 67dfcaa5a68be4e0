import { z } from 'zod';
import { TlsFiles, type TlsOptions, tlsOptions } from './tls-files.ts';

const Broker = z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s/,@]+):\d{1,5}$/, 'expected host:port, such as kafka1.example:9092');

const Sasl = z
  .strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('scram-sha-512').describe('How we say who we are.'),
    username: z.string().min(1),
    password: z.string().min(1).optional().describe('Better as a file.'),
    password_file: z.string().min(1).optional().describe('A file with the password, read whenever a client is made.'),
  })
  .refine((sasl) => (sasl.password === undefined) !== (sasl.password_file === undefined), {
    path: ['password_file'],
    error: 'expected one of `password_file` and `password`',
  });

/** How an operator says where Kafka is and who we are there; the same for inputs, publishers and internal topics. */
export const kafkaConnection = {
  brokers: z.array(Broker).min(1).describe('Some brokers of the cluster, `host:port`; the others are learnt from them.'),
  sasl: Sasl.optional().describe('Without it: nobody in particular.'),
  tls: TlsFiles.optional().describe('Switches TLS on; `{}` trusts the certificates of the system.'),
};

export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly sasl?: z.output<typeof Sasl> | undefined;
  readonly tls?: TlsFiles | undefined;
}

export interface KafkaAccess {
  readonly brokers: readonly string[];
  readonly tls: TlsOptions | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

/** `read` gives the content of a file that the configuration names, `readSecret` the one secret in it; what they throw is thrown. */
export async function kafkaAccess(
  { brokers, sasl, tls }: KafkaConnection,
  read: (path: string) => Promise<string>,
  readSecret: (path: string) => Promise<string>,
): Promise<KafkaAccess> {
  return {
    brokers,
    tls: tls === undefined ? null : await tlsOptions(tls, read),
    sasl:
      sasl === undefined
        ? null
        : {
            mechanism: sasl.mechanism,
            username: sasl.username,
            password: sasl.password ?? (await readSecret(sasl.password_file ?? '')),
          },
  };
}
