import { Document } from 'yaml';
import type { TakenSetting } from './conf-reading.ts';
import type { DefinitionPaths } from './definition-files.ts';

/** What `ceilometer.conf` says as an agent file, each setting with where it came from. */
export function printAgentFile(settings: readonly TakenSetting[], definitions: DefinitionPaths): string {
  const content: Record<string, unknown> = {};
  for (const { path, value } of settings) assign(content, path.split('.'), value);
  if (definitions.meters.length + definitions.events.length > 0) content['definitions'] = definitions;
  const document = new Document(content, { version: '1.2', aliasDuplicateObjects: false });
  document.commentBefore = settings.map(({ path, origin }) => ` ${path}: ${origin}`).join('\n');
  return document.toString({ lineWidth: 0 });
}

function assign(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [head = '', ...rest] = path;
  if (rest.length === 0) into[head] = value;
  else {
    const inner = (into[head] ?? {}) as Record<string, unknown>;
    into[head] = inner;
    assign(inner, rest, value);
  }
}
