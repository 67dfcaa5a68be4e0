import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder such as /etc/ceilometer, for Ceilometer and for us alike. */
export interface CeilometerSite {
  /** `amqp://…`, with its virtual host. */
  readonly broker: string;
  /** Where the definitions of the installed Ceilometer are. */
  readonly package: string;
  readonly pipeline: string;
  readonly eventPipeline: string;
  readonly options?: string;
}

export async function makeSite(dir: string, site: CeilometerSite): Promise<void> {
  await mkdir(join(dir, 'meters.d'), { recursive: true });
  await cp(join(site.package, 'data/meters.d'), join(dir, 'meters.d'), { recursive: true });
  await cp(join(site.package, 'pipeline/data/event_definitions.yaml'), join(dir, 'event_definitions.yaml'));
  await writeFile(join(dir, 'pipeline.yaml'), site.pipeline);
  await writeFile(join(dir, 'event_pipeline.yaml'), site.eventPipeline);
  const conf = [
    '[DEFAULT]',
    `transport_url = ${site.broker.replace(/^amqp:/, 'rabbit:')}`,
    `pipeline_cfg_file = ${join(dir, 'pipeline.yaml')}`,
    `event_pipeline_cfg_file = ${join(dir, 'event_pipeline.yaml')}`,
    `log_file = ${join(dir, 'agent.log')}`,
    '[event]',
    `definitions_cfg_file = ${join(dir, 'event_definitions.yaml')}`,
    '[meter]',
    `meter_definitions_dirs = ${join(dir, 'meters.d')}`,
    '[publisher]',
    'telemetry_secret = not-so-secret',
    site.options ?? '',
  ];
  await writeFile(join(dir, 'ceilometer.conf'), `${conf.join('\n')}\n`);
}
