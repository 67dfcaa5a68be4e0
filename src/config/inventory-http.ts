import { ConfigError } from './problem.ts';
import { fromFile } from './references.ts';
import { yamlLimits } from './yaml-document.ts';

const withinMs = 30_000;

/** The text of an inventory as somebody serves it: YAML or JSON, as one file. Throws a `ConfigError` that names the address and what it answered. */
export async function fetchInventory(
  url: string,
  tokenFile: string | null,
): Promise<{ readonly file: string; readonly text: string }> {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  const refuse = (message: string): never => {
    throw new ConfigError([{ file: shown.href, line: 1, column: 1, path: '', message, hint: null }]);
  };
  const headers: Record<string, string> = { accept: 'application/yaml, application/json' };
  if (tokenFile !== null) {
    const token = await fromFile(tokenFile);
    headers['authorization'] = `Bearer ${'value' in token ? token.value : refuse(`token_file: ${token.fault}`)}`;
  }
  let answer: Response;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(withinMs), redirect: 'error' });
  } catch (error) {
    const { cause, message } = error as Error;
    return refuse(`cannot be fetched: ${cause instanceof Error ? cause.message : message}`);
  }
  if (answer.status !== 200) return refuse(`answered ${answer.status}, expected 200`);
  const text = await bounded(answer);
  return { file: shown.href, text: text ?? refuse(`larger than ${yamlLimits.maxBytes} bytes`) };
}

async function bounded(answer: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes > yamlLimits.maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
