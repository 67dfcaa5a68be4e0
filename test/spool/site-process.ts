import { readFile } from 'node:fs/promises';
import { SpoolerSchema } from '../../src/core/spool/settings.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readSecrets } from '../../src/services/spooler/secrets.ts';
import { openSpoolPlace } from '../../src/services/spooler/spool-place.ts';
import { Spooler } from '../../src/services/spooler/spooler.ts';

// One spooler in a process of its own, to be stopped and killed: `site-process.ts '{"dataDir": …, "settings": {…}}'`. Says its port.

const { dataDir, settings: written } = JSON.parse(process.argv[2] ?? '{}') as { dataDir: string; settings: object };
const settings = SpoolerSchema.parse(written);
const place = await openSpoolPlace({ dataDir, clock: systemClock, settings });
const spooler = new Spooler({
  settings,
  secrets: { ...(await readSecrets(settings, (path) => readFile(path, 'utf8'))), key: 'secret' },
  place,
  clock: systemClock,
  random: Math.random,
  report: (event) => process.send?.(event),
});
await spooler.run(new AbortController().signal, new AbortController().signal);
