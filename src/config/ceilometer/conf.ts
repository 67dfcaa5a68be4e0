import { priorities } from '../../model/notification.ts';
import type { Problem } from '../problem.ts';
import { readCoordination } from './conf-coordination.ts';
import { noteTheRest } from './conf-ignored.ts';
import { brokerFlags, readTransports } from './conf-messaging.ts';
import { ConfReading, type TakenSetting } from './conf-reading.ts';
import type { Note } from './note.ts';
import { type OsloOptions, type OsloValue, readOsloFiles } from './oslo-file.ts';
import { readGnocchiSite, type Site } from './site.ts';

/** What `ceilometer.conf` says to a notification agent, in our words. */
export interface CeilometerConf {
  /** What it gives to the agent's file; whatever the file, the environment or a flag says stands above it. */
  readonly settings: readonly TakenSetting[];
  readonly site: Site;
  readonly files: {
    readonly pipeline: string;
    readonly eventPipeline: string;
    readonly eventDefinitions: string;
    readonly meterDirs: readonly string[];
  };
  /** Which of the two pipeline files are read: [notification] pipelines. */
  readonly pipelines: { readonly samples: boolean; readonly events: boolean };
  /** Of sinks that need them; null: our own number. */
  readonly partitions: number | null;
  readonly notes: readonly Note[];
  /** What keeps the agent from starting. */
  readonly problems: readonly Problem[];
}

const nowhere: OsloValue = { text: '', file: 'ceilometer.conf', line: 0 };
/** Public, so it signs nothing; but it is what Ceilometer's consumers compare with. */
const defaultSecret = 'change this for valid signing';

/** `dir`: where the files lie, for the keys of a cluster. */
export function readConf(files: readonly { readonly file: string; readonly text: string }[], dir: string): CeilometerConf {
  return toConf(readOsloFiles(files), files[0]?.file ?? 'ceilometer.conf', dir);
}

function toConf(options: OsloOptions, file: string, dir: string): CeilometerConf {
  const reading = new ConfReading(options);
  const missing = { ...nowhere, file };
  const flags = brokerFlags(reading);
  const transports = readTransports(reading, flags, missing);
  readConversion(reading);
  readSecret(reading, missing);
  readCoordination(reading, transports.own, flags.tls, dir);
  const workers = reading.int('notification.workers', 1) ?? reading.int('DEFAULT.notification_workers', 1);
  if (workers !== undefined) {
    reading.setting('agent.workers', workers.value, workers.at);
    reading.took(workers.at, 'notification.workers', `${workers.value} processes, which share the partitions`);
    reading.known('DEFAULT.notification_workers');
  }
  const debug = reading.bool('DEFAULT.debug');
  if (debug !== undefined) {
    if (debug.value) reading.setting('log.level', 'debug', debug.at);
    reading.took(debug.at, 'DEFAULT.debug', debug.value ? 'the log level is debug' : 'the log level stays info');
  }
  const site: Site = {
    transport: transports.own,
    flags,
    exchange: plain(reading, 'DEFAULT.control_exchange', 'the exchange that notifier:// publishes to') ?? 'ceilometer',
    meteringTopic:
      plain(reading, 'publisher_notifier.metering_topic', 'the topic and event type of published samples') ?? 'metering',
    eventTopic: plain(reading, 'publisher_notifier.event_topic', 'the topic and event type of published events') ?? 'event',
    host: plain(reading, 'DEFAULT.host', 'our name in what is published') ?? null,
    gnocchi: readGnocchiSite(reading),
  };
  const partitions = reading.int('notification.pipeline_processing_queues', 1);
  if (partitions !== undefined)
    reading.took(
      partitions.at,
      'notification.pipeline_processing_queues',
      `${partitions.value} partitions for each sink that needs them`,
    );
  const conf = {
    settings: reading.settings,
    site,
    files: readFileNames(reading),
    pipelines: readPipelines(reading),
    partitions: partitions?.value ?? null,
    notes: reading.notes,
    problems: reading.problems,
  };
  noteTheRest(reading);
  return conf;
}

function plain(reading: ConfReading, name: string, what: string): string | undefined {
  const at = reading.last(name);
  if (at !== undefined) reading.took(at, name, what);
  return at?.text;
}

function readConversion(reading: ConfReading): void {
  for (const [name, path] of [
    ['notification.ack_on_event_error', 'conversion.ack_on_event_error'],
    ['event.drop_unmatched_notifications', 'conversion.drop_unmatched_notifications'],
  ] as const) {
    const found = reading.bool(name);
    if (found === undefined) continue;
    reading.setting(path, found.value, found.at);
    reading.took(found.at, name, `\`${path}\``);
  }
  const raw = reading.all('event.store_raw');
  const first = raw[0];
  if (first !== undefined) {
    const wanted = raw.flatMap((value) => value.text.split(',')).map((each) => each.trim().toLowerCase());
    const known = wanted.filter((each) => (priorities as readonly string[]).includes(each));
    reading.setting('conversion.store_raw', known, first);
    const odd = wanted.filter((each) => !known.includes(each));
    reading.took(
      first,
      'event.store_raw',
      `\`conversion.store_raw\`${odd.length === 0 ? '' : `; no priority is called ${odd.join(', ')}`}`,
    );
  }
  const source = reading.last('DEFAULT.sample_source');
  if (source !== undefined) {
    reading.setting('conversion.sample_source', source.text, source);
    reading.took(source, 'DEFAULT.sample_source', '`conversion.sample_source`');
  }
  for (const name of ['reserved_metadata_namespace', 'reserved_metadata_keys'] as const) {
    const at = reading.last(`DEFAULT.${name}`);
    if (at === undefined) continue;
    const list = at.text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '');
    reading.setting(`conversion.${name}`, list, at);
    reading.took(at, `DEFAULT.${name}`, `\`conversion.${name}\``);
  }
  const length = reading.int('DEFAULT.reserved_metadata_length', 0);
  if (length === undefined) return;
  reading.setting('conversion.reserved_metadata_length', length.value, length.at);
  reading.took(length.at, 'DEFAULT.reserved_metadata_length', '`conversion.reserved_metadata_length`');
}

function readSecret(reading: ConfReading, missing: OsloValue): void {
  const names = ['publisher.telemetry_secret', 'publisher.metering_secret', 'publisher_rpc.metering_secret'] as const;
  const at = reading.last(...names);
  reading.setting('telemetry_secret', at?.text ?? defaultSecret, at ?? missing);
  for (const name of names) reading.known(name);
  if (at === undefined) {
    const text = "publisher.telemetry_secret: not set; signed with Ceilometer's default, which everybody knows";
    reading.notes.push({ file: missing.file, line: 1, level: 'took', text });
  } else reading.took(at, 'publisher.telemetry_secret', 'signs what is published');
}

function readFileNames(reading: ConfReading): CeilometerConf['files'] {
  const name = (option: string, otherwise: string) => plain(reading, option, 'read instead') ?? otherwise;
  const dirs = reading.all('meter.meter_definitions_dirs');
  if (dirs[0] !== undefined)
    reading.took(dirs[0], 'meter.meter_definitions_dirs', 'meter definitions are read from there, the first of a name wins');
  return {
    pipeline: name('DEFAULT.pipeline_cfg_file', 'pipeline.yaml'),
    eventPipeline: name('DEFAULT.event_pipeline_cfg_file', 'event_pipeline.yaml'),
    eventDefinitions: name('event.definitions_cfg_file', 'event_definitions.yaml'),
    meterDirs: dirs.map((at) => at.text),
  };
}

function readPipelines(reading: ConfReading): CeilometerConf['pipelines'] {
  const given = reading.all('notification.pipelines');
  if (given[0] === undefined) return { samples: true, events: true };
  const names = given.flatMap((at) => at.text.split(',')).map((each) => each.trim());
  reading.took(given[0], 'notification.pipelines', `only ${names.join(', ')}`);
  return { samples: names.includes('meter'), events: names.includes('event') };
}
