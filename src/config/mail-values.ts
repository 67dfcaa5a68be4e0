import type { TlsFiles } from '../model/tls-files.ts';
import type { MailConfig } from './agent-config.ts';
import type { MailValues } from './mail-schema.ts';

type Place = (path: string, text: string) => string;
type ServerValues = MailValues['servers'][number];

/** From the words of the file to those of the code, every path absolute. */
export function toMail(values: MailValues, place: Place): MailConfig {
  const at = (text: string) => place('mail', text);
  return {
    from: values.from,
    hello: values.hello ?? null,
    servers: values.servers.map((server) => {
      const port = server.port ?? portOf(server);
      return {
        name: server.name ?? `${server.host}:${port}`,
        host: server.host,
        port,
        tls: server.tls,
        tlsFiles: server.tls_files === undefined ? undefined : placed(server.tls_files, at),
        user: server.user ?? null,
        passwordFile: server.password_file === undefined ? null : at(server.password_file),
        tokenFile: server.token_file === undefined ? null : at(server.token_file),
        sessions: server.sessions,
      };
    }),
    dkim:
      values.dkim === undefined
        ? null
        : { domain: values.dkim.domain, selector: values.dkim.selector, keyFile: at(values.dkim.key_file) },
    caps: { deliveries: values.max_deliveries, bytes: values.max_bytes },
    onUncertain: values.on_uncertain,
    outcomes: values.outcomes,
    schedule: { firstMs: values.first_retry, longestMs: values.longest_retry, greylistMs: values.greylist_retry },
    answerMs: values.answer_timeout,
  };
}

function portOf({ tls, user }: ServerValues): number {
  return tls === 'implicit' ? 465 : user === undefined ? 25 : 587;
}

function placed(files: TlsFiles, at: (text: string) => string): TlsFiles {
  return {
    ...files,
    ...(files.ca_file === undefined ? {} : { ca_file: at(files.ca_file) }),
    ...(files.cert_file === undefined ? {} : { cert_file: at(files.cert_file) }),
    ...(files.key_file === undefined ? {} : { key_file: at(files.key_file) }),
  };
}
