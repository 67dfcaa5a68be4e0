import { Command } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { LivestatusProxy } from '../../services/livestatus-proxy/proxy.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import { CliFailure } from '../failure.ts';
import { loadLiveproxy } from '../liveproxy/load-liveproxy.ts';

interface Options {
  readonly config: string;
  readonly debug?: true;
}

export function liveproxyCommand(): Command {
  return new Command('liveproxy')
    .description('One UNIX socket per monitoring site, in front of its Livestatus. SIGHUP reloads, SIGTERM ends in order.')
    .requiredOption('-c, --config <file>', 'the sites, YAML')
    .option('-g, --foreground', 'stay in the foreground and log to standard output (the default)')
    .option('--debug', 'log each query; what goes wrong inside is thrown with its stack')
    .action(liveproxy);
}

async function liveproxy(options: Options): Promise<void> {
  const settings = await loadLiveproxy(options.config);
  const telemetry = createTelemetry({
    level: options.debug === true ? 'debug' : 'info',
    agent: 'liveproxy',
    stream: process.stdout,
  });
  const proxy = new LivestatusProxy({ clock: systemClock, random: Math.random, emit: telemetry.emit });
  await proxy.start(settings.sites);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  await proxy.stop();
  if (settings.sites.length === 0) throw new CliFailure('no site is configured');
}
