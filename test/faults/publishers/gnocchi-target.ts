import { GnocchiServer } from '../../peers/gnocchi/gnocchi-server.ts';
import { behindProxy, type HurtTarget, opened, timeout_ms } from './hurt-target.ts';

/**
 * A real Gnocchi. All items are measures of one metric, a second apart, and the value of each says which it is: it keeps a measure of a moment
 * once, so one that came twice is not seen, and one that came with another value is.
 */
export async function gnocchi(): Promise<HurtTarget> {
  const server = await GnocchiServer.start();
  const { proxy, url } = await behindProxy(server.url);
  const [policy, began] = ['seconds', Date.parse('2026-01-01T00:00:00Z')];
  await server.ask('POST', '/v1/archive_policy', {
    ...{ name: policy, aggregation_methods: ['mean'], back_window: 3600 },
    definition: [{ granularity: '1s', timespan: '1 day' }],
  });
  return {
    kind: 'gnocchi',
    proxy,
    formed: (sample) => ({
      ...sample,
      resource_id: 'hurt',
      timestamp: new Date(began + 1_000 * Number(sample.volume)).toISOString(),
    }),
    open: (context) => opened('gnocchi', { url: url.href.replace(/\/$/, ''), archive_policy: policy, timeout_ms }, context),
    ids: async () => (await server.measures('generic', 'hurt', 'hurt.meter')).map(([, , value]) => `id-${value - 1}`),
    close: async () => {
      await proxy.close();
      await server.stop();
    },
  };
}
