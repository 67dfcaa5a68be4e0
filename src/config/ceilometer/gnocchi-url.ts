import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Environment } from '../references.ts';
import type { Site } from './site.ts';
import { isTrue, lastOf, type MappedPublisher, type UrlParts } from './url-parts.ts';

const variable = 'CEILOGRAPH_GNOCCHI_URL';
/** Where Gnocchi's own API listens unless told otherwise. */
const usual = 'http://localhost:8041';

/** `gnocchi://?archive_policy=…`: where it is says Keystone, by the credentials in ceilometer.conf, or a variable. */
export function mapGnocchi(parts: UrlParts, env: Environment, site: Site, dir: string): MappedPublisher {
  const changes: string[] = [
    'a meter without a resource definition goes to a resource of the type generic; Ceilometer dropped it',
  ];
  const url = env[variable];
  if (url === undefined && site.gnocchi === null)
    changes.push(`neither credentials for Keystone nor ${variable} say where Gnocchi is: ${usual} is taken`);
  const named = lastOf(parts, 'resources_definition_file');
  const file = isAbsolute(named ?? '') ? (named ?? '') : join(dir, named ?? 'gnocchi_resources.yaml');
  const there = existsSync(file);
  if (!there && named !== undefined) return { leftOut: `${file} is not there` };
  if (!there) changes.push(`there is no ${file}: every resource is of the type generic`);
  const policy = lastOf(parts, 'archive_policy');
  const filters = isTrue(lastOf(parts, 'enable_filter_project') ?? 'true') && site.gnocchi !== null;
  const seconds = Number(lastOf(parts, 'timeout') ?? '6.05');
  return {
    kind: 'gnocchi',
    value: {
      ...(url === undefined ? (site.gnocchi === null ? { url: usual } : {}) : { url }),
      ...(site.gnocchi === null ? {} : { keystone: site.gnocchi }),
      ...(there ? { resources_file: file } : {}),
      ...(policy ? { archive_policy: policy } : {}),
      ...(filters ? { filter_project: lastOf(parts, 'filter_project') || 'service' } : {}),
      ...(filters && lastOf(parts, 'filter_domain') ? { filter_domain: lastOf(parts, 'filter_domain') } : {}),
      timeout_ms: Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds * 1000) : 6050,
    },
    changes,
  };
}
