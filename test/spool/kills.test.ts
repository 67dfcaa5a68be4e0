import { expect, it } from 'vitest';
import { packEntry } from '../../src/core/spool/entry.ts';
import { seeded } from '../faults/random.ts';
import { freePort } from '../services/free-port.ts';
import { entryOf, Site, until } from '../unit/spool/rig.ts';
import { SiteProcess } from './site-under-test.ts';

const notifications = Number(process.env['SPOOL_NOTIFICATIONS'] ?? '100000');
const kills = Number(process.env['SPOOL_KILLS'] ?? '100');
const longMs = 30 * 60_000;

it(`S35 loses nothing and doubles nothing over ${kills} kills at either end while ${notifications} notifications pass`, {
  timeout: longMs,
}, async () => {
  const seed = Number(process.env['SPOOL_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}; the same again: SPOOL_SEED=${seed}`);
  const random = seeded(seed);
  const [east, centre] = [await Site.make('east'), await Site.make('centre')];
  const port = await freePort();
  const fast = { send_heartbeat: 0.5, expect_heartbeat: 1 };
  const startSource = () =>
    new SiteProcess(east.dataDir, {
      role: 'source',
      site: 'east',
      ...fast,
      tcp_client: { servers: [{ address: '127.0.0.1', port }], cooldown: 0.1 },
      deferred_cooldown: 1,
    });
  const startSink = () =>
    new SiteProcess(centre.dataDir, { role: 'sink', site: 'centre', ...fast, tcp_server: { listen: port } });
  let [source, sink] = [startSource(), startSink()];
  let put = 0;
  const feed = async (upTo: number) => {
    for (; put < upTo; put += 100) {
      const batch = Array.from({ length: 100 }, (_, i) => packEntry(entryOf(`n-${put + i}`)));
      await east.place.spool.put(batch);
    }
  };

  const at = { source: 0, sink: 0 };
  for (let kill = 0; kill < kills; kill++) {
    const moving = feed(Math.floor(((kill + 1) * notifications) / kills / 100) * 100);
    const before = centre.place.arrivals.counters.get('received');
    // Only what is at work can be hit: something passed since the last kill.
    await until(() => centre.place.arrivals.count() >= 0 && centre.place.arrivals.counters.get('received') > before, 60_000);
    await new Promise((resolve) => setTimeout(resolve, random() * 60));
    const side = random() < 0.5 ? 'source' : 'sink';
    at[side] += 1;
    if (side === 'source') {
      await source.kill();
      source = startSource();
    } else {
      await sink.kill();
      sink = startSink();
    }
    await moving;
  }
  await feed(notifications);
  await until(() => east.place.spool.stats().new.count + east.place.spool.stats().deferred.count === 0, 10 * 60_000);
  await Promise.all([source.kill(), sink.kill()]);

  const arrived = centre.arrived();
  const lost = notifications - new Set(arrived).size;
  const repeated = centre.place.arrivals.counters.get('repeated');
  console.log(
    `S35: ${kills} kills (${at.source} source, ${at.sink} sink), ${notifications} notifications, lost ${lost}, doubled ${arrived.length - new Set(arrived).size}, known again ${repeated}`,
  );
  await Promise.all([east.close(), centre.close()]);
  expect([lost, arrived.length]).toEqual([0, notifications]);
  expect(repeated).toBeGreaterThan(0); // without one the ids were not put to the test
});
