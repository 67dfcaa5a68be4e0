import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type LiveproxySource, loadLiveproxy } from '../../agent/load-liveproxy.ts';
import { disable, enable, omdPaths } from '../../services/livestatus-proxy/omd.ts';
import { readPid } from '../../services/livestatus-proxy/pid-file.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
import { CliFailure } from '../failure.ts';
import { daemonize, daemonVariable, tellParent } from '../liveproxy/daemon.ts';
import { LogFile } from '../liveproxy/log-file.ts';
import { runLiveproxy } from '../liveproxy/run-liveproxy.ts';

interface SourceOptions {
  readonly config?: string;
  readonly omd?: string;
}

interface Options extends SourceOptions {
  readonly foreground?: true;
  readonly daemon?: true;
  readonly debug?: true;
}

export function liveproxyCommand(): Command {
  const command = new Command('liveproxy')
    .enablePositionalOptions() // --omd behind `enable` is that command's own
    .description(
      'One UNIX socket per monitoring site, in front of its Livestatus. SIGHUP reads the configuration again, SIGTERM ends in order.',
    )
    .option('-c, --config <file>', 'the sites, YAML')
    .option('--omd <root>', 'the sites of an OMD site, as `liveproxy enable` wrote them; sockets, log and state go to its places')
    .option('-g, --foreground', 'stay in the foreground and log to standard output (the default)')
    .option('--daemon', 'go to the background once the sockets are open, and log to the log file')
    .option('--debug', 'log each query; what goes wrong inside is thrown with its stack')
    .addHelpText(
      'after',
      '\nExamples:\n  ceilograph liveproxy -c /etc/ceilograph/liveproxy.yaml\n  ceilograph liveproxy --omd /omd/sites/heute --daemon\n',
    )
    .action(liveproxy);
  command.addCommand(enableCommand());
  command.addCommand(statusCommand());
  return command;
}

function enableCommand(): Command {
  return new Command('enable')
    .description(
      'Take the sites that use the proxy from sites.mk of an OMD site, write liveproxy.mk, and reload a running proxy.',
    )
    .requiredOption('--omd <root>', 'the root of the OMD site')
    .option('--off', 'switch the proxy off for Multisite instead')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExamples:\n  ceilograph liveproxy enable --omd /omd/sites/heute\n')
    .action(enableOmd);
}

function statusCommand(): Command {
  return new Command('status')
    .description('The state that a running proxy has written, sites with channels and clients.')
    .option('-c, --config <file>', 'the sites, YAML')
    .option('--omd <root>', 'the root of the OMD site')
    .addHelpText('after', '\nExamples:\n  ceilograph liveproxy status --omd /omd/sites/heute\n')
    .action(async (options: SourceOptions) => {
      const { stateFile, pidFile } = await loadLiveproxy(sourceOf(options));
      if ((await readPid(pidFile)) === null) throw new CliFailure('no proxy runs on this configuration');
      process.stdout.write(await readFile(stateFile, 'utf8'));
    });
}

async function liveproxy(options: Options): Promise<void> {
  if (options.daemon === true && options.foreground === true)
    throw new CliFailure('expected one of --daemon and --foreground', 2);
  const isDaemon = process.env[daemonVariable] !== undefined;
  try {
    const source = sourceOf(options);
    const settings = await loadLiveproxy(source);
    if (options.daemon === true && !isDaemon) {
      const pid = await daemonize(settings.logFile);
      process.stderr.write(`liveproxy runs as ${pid}, ${settings.sites.length} sites, log ${settings.logFile}\n`);
      return;
    }
    const log = isDaemon ? new LogFile(settings.logFile) : null;
    const telemetry = createTelemetry({
      level: options.debug === true ? 'debug' : 'info',
      agent: 'liveproxy',
      stream: log ?? process.stdout,
    });
    await runLiveproxy({ telemetry, load: () => loadLiveproxy(source), reopenLog: () => log?.reopen() });
  } catch (error) {
    if (isDaemon) await tellParent({ failed: error instanceof Error ? error.message : String(error) });
    if (options.debug === true && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    throw error;
  } finally {
    if (isDaemon && process.connected) process.disconnect?.();
  }
}

function sourceOf({ config, omd }: SourceOptions): LiveproxySource {
  if (config !== undefined && omd === undefined) return { config };
  if (omd !== undefined && config === undefined) return { omd };
  throw new CliFailure('expected either --config FILE or --omd ROOT', 2);
}

interface EnableOptions {
  readonly omd: string;
  readonly off?: true;
  readonly json?: true;
}

async function enableOmd({ omd, off, json }: EnableOptions): Promise<void> {
  const root = resolve(omd);
  const pid = await readPid(resolve(root, omdPaths.pidFile));
  if (off === true) {
    await disable(root);
    process.stderr.write(`${omdPaths.multisite} says liveproxy = False\n`);
    return;
  }
  const { proxied, skipped } = await enable(root);
  // What the proxy could not use must not be discovered by it at night.
  await loadLiveproxy({ omd: root });
  if (pid !== null) process.kill(pid, 'SIGHUP');
  const ids = proxied.map(({ id }) => id);
  if (json === true) process.stdout.write(`${JSON.stringify({ sites: ids, skipped, reloaded: pid !== null })}\n`);
  else {
    process.stdout.write(`${ids.map((id) => `${id}\n`).join('')}`);
    for (const { id, why } of skipped) process.stderr.write(`${id}: not through the proxy, ${why}\n`);
    process.stderr.write(pid === null ? 'no proxy runs yet\n' : `the proxy ${pid} reads it again\n`);
  }
}
