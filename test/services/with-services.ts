/**
 * Where the real servers are. A missing one fails the test instead of skipping it: a check that did not run must not look green.
 * `test/services/services.sh run redis rabbitmq -- npx vitest run …` sets all of them.
 */
function required(variable: string): string {
  const url = process.env[variable];
  if (url === undefined || url === '')
    throw new Error(`${variable} is not set: run this through test/services/services.sh run … -- npx vitest run …`);
  return url;
}

export async function amqpUrl(): Promise<string> {
  return required('AMQP_URL');
}

/** RabbitMQ's management API, to kill connections and to look at queues. Holds user and password. */
export async function rabbitmqHttpUrl(): Promise<string> {
  return required('RABBITMQ_HTTP_URL');
}

export async function kafkaBrokers(): Promise<readonly string[]> {
  return required('KAFKA_BROKERS').split(',');
}

/** Where Kafka listens, and where it says that it does: a test may stand there with a proxy. */
export async function kafkaCuttable(): Promise<string> {
  return required('KAFKA_CUTTABLE');
}

/** A listener of the same Kafka with TLS and SASL; `alice` is known there by `alice-knows`, the certificate by `ca_file`. */
export async function kafkaSecure(): Promise<{ readonly broker: string; readonly tls: { readonly ca_file: string } }> {
  return { broker: required('KAFKA_SECURE'), tls: { ca_file: required('KAFKA_CA') } };
}

export async function postgresUrl(): Promise<string> {
  return required('POSTGRES_URL');
}

/** Prometheus, with its receiver of remote writes on. */
export async function prometheusUrl(): Promise<string> {
  return required('PROMETHEUS_URL');
}

export async function pushgatewayUrl(): Promise<string> {
  return required('PUSHGATEWAY_URL');
}

export async function redisUrl(): Promise<string> {
  return required('REDIS_URL');
}
