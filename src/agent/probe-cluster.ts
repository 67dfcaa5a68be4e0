import type { AgentConfig } from '../config/agent-config.ts';
import type { Probed } from '../config/probe.ts';
import { systemClock } from '../lib/clock.ts';
import { classify } from '../model/faults.ts';
import { openPlaces } from './places.ts';

/** For `check --connect`: do Redis and the broker of the internal topics answer? Nothing is written there, and no cluster is founded. */
export async function probeCluster(config: AgentConfig): Promise<readonly Probed[]> {
  if (config.coordination.kind === 'off') return [];
  const opened = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined }).catch(faultOf);
  if (typeof opened === 'string') return [{ what: 'coordination', fault: opened }];
  try {
    return [
      { what: 'coordination.redis', fault: await opened.describe().then(() => null, faultOf) },
      {
        what: `topics.${config.coordination.topics.kind}`,
        fault: await opened.topics.list(config.cluster).then(() => null, faultOf),
      },
    ];
  } finally {
    await opened.close();
  }
}

function faultOf(error: unknown): string {
  return classify(error).message;
}
