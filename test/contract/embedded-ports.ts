import { openEmbedded } from '../../src/agent/open-embedded.ts';

export interface EmbeddedConfig {
  readonly dataDir: string;
  readonly holes: boolean;
}

export function openPorts({ dataDir, holes }: EmbeddedConfig) {
  return openEmbedded({ dataDir, faults: { holes } });
}
