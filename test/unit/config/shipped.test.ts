import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadCeilometer } from '../../../src/config/ceilometer/load-ceilometer.ts';
import { loadAgent } from '../../../src/config/load-agent.ts';
import { loadPipelines } from '../../../src/config/load-pipelines.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const env = { RABBIT_PASSWORD: 'x', COLLECTOR_KEY: 'x' };

it.each(['pipelines', 'examples/pipelines'])('every sink in %s loads', async (folder) => {
  const sinks = await loadPipelines(join(root, folder), { env });

  const files = (await readdir(join(root, folder))).filter((name) => /\.ya?ml$/.test(name) && !name.includes('.test.'));
  expect(sinks.map((sink) => sink.sink).sort()).toEqual(files.map((name) => name.replace(/\.ya?ml$/, '')).sort());
});

it('the sinks that come with the product run with the definitions that do', async () => {
  const setup = await loadSetup({ pipelines: join(root, 'pipelines') }, {}, {});

  expect(setup.sinks.map((sink) => [sink.sink, sink.order.kind])).toEqual([
    ['all-events', 'arrival'],
    ['all-meters', 'arrival'],
    ['cpu-util', 'arrival'],
    ['disk-usage-window', 'arrival'],
    ['instance-lifecycle', 'event'],
  ]);
  expect(setup.converter.warnings).toEqual([]);
});

it('the example of an agent file loads', async () => {
  expect((await loadAgent(join(root, 'examples/agent.yaml'), env)).inputs.map((input) => input.name)).toEqual(['amqp', 'http']);
});

it("the example of Ceilometer's files loads", async () => {
  const { sinks, skipped } = await loadCeilometer(join(root, 'examples/ceilometer'), { env: {} });

  expect(sinks.map((sink) => sink.sink)).toEqual(['archive', 'cpu_sink', 'event_sink']);
  expect(skipped).toEqual([]);
});
