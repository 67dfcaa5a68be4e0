/** A transport URL of oslo.messaging as ours, one per host, or why it cannot be used. */
export type Transport = { readonly urls: readonly string[] } | { readonly refused: string };

/** What oslo.messaging takes when no `transport_url` is given anywhere. */
export const defaultTransport = 'rabbit://guest:guest@localhost:5672/';

/**
 * `rabbit://u:p@one:5672,u:p@two:5672/vhost?ssl=1`. Everything after the first slash is the virtual host, decoded once, so that `//` is the one
 * called `/`; none at all is that one too.
 */
export function readTransport(written: string, tls = false): Transport {
  const [, scheme = '', hosts = '', path = '', query = ''] =
    /^([^:]*):\/\/([^/?#]*)([^?#]*)(?:\?(.*))?$/.exec(written.trim()) ?? [];
  const [driver = ''] = scheme.split('+');
  if (!['rabbit', 'kombu', 'amqp', 'amqps'].includes(driver))
    return {
      refused: `the transport ${driver || '(none)'}:// is not offered, only rabbit:// is; have the services notify over RabbitMQ, or send to the http input`,
    };
  const secure = tls || driver === 'amqps' || /(?:^|&)ssl=(?:1|true|yes|on)\b/i.test(query);
  const name = decodeURIComponent(path.slice(1));
  const vhost = name === '' ? '/' : `/${encodeURIComponent(name)}`;
  const list = hosts === '' ? ['guest:guest@localhost:5672'] : hosts.split(',').map((host) => host.trim());
  return { urls: list.map((host) => `${secure ? 'amqps' : 'amqp'}://${host}${vhost}`) };
}

export function shownUrl(url: string): string {
  return url.replace(/:\/\/([^/@]*)@/g, '://***@').replace(/,[^/,@]*@/g, ',***@');
}
