import { given } from '../../lib/given.ts';
import type { BrokerFlags } from './conf-messaging.ts';
import type { ConfReading } from './conf-reading.ts';

/** What publishers take from `ceilometer.conf` because their URLs do not say it. */
export interface Site {
  /** Of notifier:// without a host; empty: unknown. */
  readonly transport: readonly string[];
  readonly flags: BrokerFlags | null;
  readonly exchange: string;
  readonly meteringTopic: string;
  readonly eventTopic: string;
  /** null: the name of this machine. */
  readonly host: string | null;
  /** How gnocchi:// finds its target; null: nothing says. */
  readonly gnocchi: Readonly<Record<string, unknown>> | null;
}

/** Without a ceilometer.conf. */
export const bareSite: Site = {
  transport: [],
  flags: null,
  exchange: 'ceilometer',
  meteringTopic: 'metering',
  eventTopic: 'event',
  host: null,
  gnocchi: null,
};

const names = [
  'auth_type',
  'auth_url',
  'username',
  'user_id',
  'password',
  'project_name',
  'project_id',
  'user_domain_name',
  'user_domain_id',
  'project_domain_name',
  'project_domain_id',
  'default_domain_id',
  'default_domain_name',
  'region_name',
  'interface',
] as const;

/** [service_credentials], or the group that [gnocchi] auth_section names: Keystone says where Gnocchi is. */
export function readGnocchiSite(reading: ConfReading): Site['gnocchi'] {
  const section = reading.last('gnocchi.auth_section');
  if (section !== undefined) reading.took(section, 'gnocchi.auth_section', 'the credentials for Gnocchi');
  const group = section?.text ?? 'service_credentials';
  const found = new Map(
    names.flatMap((name) => {
      const at = reading.last(`${group}.${name}`);
      if (at !== undefined) reading.took(at, `${group}.${name}`, 'Keystone, to find Gnocchi and to be let in');
      return at === undefined ? [] : [[name, at]];
    }),
  );
  const get = (name: (typeof names)[number]) => found.get(name)?.text;
  const url = get('auth_url');
  const type = found.get('auth_type');
  if (type !== undefined && !['password', 'v3password'].includes(type.text)) {
    reading.ignored(
      type,
      `${group}.auth_type`,
      `${type.text} is not offered, only password is; gnocchi:// needs CEILOGRAPH_GNOCCHI_URL then`,
    );
    return null;
  }
  if (url === undefined) return null;
  return given({
    auth_url: url,
    username: get('username'),
    user_id: get('user_id'),
    password: get('password'),
    project_name: get('project_name'),
    project_id: get('project_id'),
    user_domain_name: get('user_domain_name') ?? get('default_domain_name'),
    user_domain_id: get('user_domain_id') ?? get('default_domain_id'),
    project_domain_name: get('project_domain_name') ?? get('default_domain_name'),
    project_domain_id: get('project_domain_id') ?? get('default_domain_id'),
    region_name: get('region_name'),
    interface: get('interface'),
  });
}
