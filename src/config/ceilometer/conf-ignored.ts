import type { ConfReading } from './conf-reading.ts';

// Why an option that is set has no effect here. The name, or a group with a star.

const reasons: readonly (readonly [names: readonly string[], why: string])[] = [
  [
    ['notification.batch_size', 'notification.batch_timeout'],
    'batches grow with the load by themselves, and no batch changes a result',
  ],
  [
    ['notification.disable_non_metric_meters', 'notification.store_events'],
    'an option of Ceilometer before 9, without effect since',
  ],
  [
    ['coordination.check_watchers', 'coordination.heartbeat', 'coordination.retry_backoff', 'coordination.max_retry_interval'],
    'memberships and leases have times of their own (`timing` in the agent file)',
  ],
  [
    ['DEFAULT.max_parallel_requests', 'DEFAULT.executor_thread_pool_size', 'DEFAULT.rpc_*', 'DEFAULT.conn_pool_*'],
    'there are no threads here',
  ],
  [
    [
      'DEFAULT.log_*',
      'DEFAULT.use_*',
      'DEFAULT.syslog_*',
      'DEFAULT.logging_*',
      'DEFAULT.default_log_levels',
      'DEFAULT.verbose',
      'DEFAULT.watch_log_file',
      'DEFAULT.max_logfile_*',
      'DEFAULT.publish_errors',
      'DEFAULT.instance_*',
      'DEFAULT.rate_limit_*',
      'DEFAULT.fatal_deprecations',
    ],
    'logs are JSON lines on standard error, for the journal or the container engine',
  ],
  [
    ['oslo_messaging_rabbit.rabbit_qos_prefetch_count'],
    'the amqp input asks for 1000 (`prefetch`): it makes what came durable in batches',
  ],
  [
    [
      'oslo_messaging_rabbit.rabbit_transient_*',
      'oslo_messaging_rabbit.direct_mandatory_flag',
      'oslo_messaging_rabbit.enable_cancel_on_failover',
      'oslo_messaging_rabbit.rabbit_stream_fanout',
      'oslo_messaging_rabbit.use_queue_manager',
      'oslo_messaging_rabbit.hostname',
      'oslo_messaging_rabbit.processname',
      'oslo_messaging_rabbit.rpc_*',
    ],
    'about RPC, which a notification agent does not use',
  ],
  [
    [
      'oslo_messaging_rabbit.rabbit_retry_*',
      'oslo_messaging_rabbit.rabbit_interval_max',
      'oslo_messaging_rabbit.rabbit_max_retries',
      'oslo_messaging_rabbit.kombu_*',
      'oslo_messaging_rabbit.heartbeat_rate',
      'oslo_messaging_rabbit.heartbeat_in_pthread',
      'oslo_messaging_rabbit.rabbit_login_method',
      'oslo_messaging_rabbit.ssl_version',
      'oslo_messaging_rabbit.ssl_enforce_fips_mode',
      'oslo_messaging_rabbit.rabbit_login_*',
      'oslo_messaging_rabbit.conn_pool_*',
    ],
    'the connection has its own rules: it comes back with jitter, checks heartbeats, and speaks TLS 1.2 or newer',
  ],
  [
    ['oslo_messaging_notifications.driver', 'oslo_messaging_notifications.retry', 'publisher_notifier.telemetry_driver'],
    'what is published is confirmed by the broker, or tried again',
  ],
  [
    [
      'polling.*',
      'compute.*',
      'vmware.*',
      'ipmi.*',
      'rgw_*',
      'xenapi.*',
      'monasca.*',
      'service_types.*',
      'DEFAULT.hypervisor_*',
      'DEFAULT.libvirt_*',
      'DEFAULT.reseller_prefix',
      'DEFAULT.cfg_file',
      'DEFAULT.partitioning_group_prefix',
      'DEFAULT.batch_size',
      'DEFAULT.pollsters_definitions_dirs',
      'DEFAULT.rootwrap_config',
      'DEFAULT.polling_namespaces',
      'DEFAULT.http_timeout',
      'DEFAULT.nova_http_log_debug',
    ],
    'about polling; ceilometer-polling goes on as it is, and what it sends arrives over the bus',
  ],
  [
    [
      'oslo_concurrency.*',
      'oslo_reports.*',
      'oslo_policy.*',
      'oslo_middleware.*',
      'keystone_authtoken.*',
      'api.*',
      'database.*',
      'collector.*',
      'dispatcher_*',
      'storage.*',
      'cache.*',
      'DEFAULT.backdoor_*',
      'DEFAULT.log_options',
      'DEFAULT.graceful_shutdown_timeout',
      'DEFAULT.state_path',
      'DEFAULT.auth_strategy',
      'DEFAULT.rpc_backend',
    ],
    'nothing of a notification agent depends on it',
  ],
  [['oslo_messaging_amqp.*', 'oslo_messaging_kafka.*', 'oslo_messaging_zmq.*'], 'only RabbitMQ is offered as transport'],
  [
    ['DEFAULT.nova_control_exchange', 'DEFAULT.*_control_exchange'],
    'a name of Ceilometer 8 and older; name the exchanges in [notification] notification_control_exchanges',
  ],
];

/** A word on every option that is set and not used. */
export function noteTheRest(reading: ConfReading): void {
  for (const [name, at] of reading.rest()) {
    const found = reasons.find(([names]) => names.some((each) => matches(each, name)));
    reading.ignored(at, name, found?.[1] ?? 'no option of the notification agent that is known here');
  }
}

function matches(pattern: string, name: string): boolean {
  const [before = '', after] = pattern.split('*');
  return after === undefined ? pattern === name : name.startsWith(before) && name.endsWith(after);
}
