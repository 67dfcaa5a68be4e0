import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedConfig, openPorts } from './embedded-ports.ts';
import type { Ports, World } from './world.ts';

/** Holes on purpose, so that no caller learns to count on dense offsets. */
export async function embeddedWorld(): Promise<World<Ports>> {
  const config: EmbeddedConfig = { dataDir: await mkdtemp(join(tmpdir(), 'ceilograph-')), holes: true };
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    await Promise.all(opened.splice(0).map((ports) => ports.close()));
  };
  return {
    open: async () => {
      const ports = await openPorts(config);
      opened.push(ports);
      return ports;
    },
    restart: closeAll,
    child: { module: new URL('./embedded-ports.ts', import.meta.url), config },
    dispose: async () => {
      await closeAll();
      await rm(config.dataDir, { recursive: true, force: true });
    },
  };
}
