import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** One JSON line per message to stderr (standard output is for data). The only file that knows pino. */
export function createLogger(level: LogLevel, agent: string, stream?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service: 'ceilograph', agent_id: agent },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Written at once: the last line before a crash is the one that matters, and we log little.
    stream ?? destination({ dest: 2, sync: true }),
  );
}
