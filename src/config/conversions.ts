import { isDeepStrictEqual } from 'node:util';
import { type Converter, createConverter } from '../core/convert/converter.ts';
import { Fault } from '../model/faults.ts';
import type { AgentConfig } from './agent-config.ts';
import { hashOf } from './canonical.ts';
import { type DefinitionPaths, type DefinitionTexts, parseDefinitions, readDefinitionTexts } from './definitions.ts';
import { ConfigError, type Problem } from './problem.ts';
import type { YamlDialect } from './yaml-scalar.ts';

interface Conversion {
  readonly converter: Converter;
  /** Of everything that says what notifications are converted to: definitions and options. */
  readonly hash: string;
}

/** All that a conversion is made of. */
interface Source {
  readonly texts: DefinitionTexts;
  readonly dialect: YamlDialect;
  readonly options: AgentConfig['conversion'];
}

/**
 * Makes definitions into what converts by them, and keeps the last: while no byte of it differs a reload gets the same one. Parsing and compiling
 * them anew is most of what a reload costs, and nearly all it leaves to the garbage collector.
 */
export class Conversions {
  #last: { readonly source: Source; readonly conversion: Conversion } | null = null;

  /** Throws a `ConfigError` with all problems of the files. */
  async open(paths: DefinitionPaths, options: AgentConfig['conversion'], dialect: YamlDialect): Promise<Conversion> {
    const source = { texts: await readDefinitionTexts(paths), dialect, options };
    if (this.#last === null || !isDeepStrictEqual(this.#last.source, source))
      this.#last = { source, conversion: conversionOf(source) };
    return this.#last.conversion;
  }
}

function conversionOf({ texts, dialect, options }: Source): Conversion {
  const definitions = parseDefinitions(texts, dialect);
  const values = [...definitions.meters, ...definitions.events].map((file) => file.definitions);
  const hash = hashOf({ texts: values, conversion: options });
  const { storeRaw, ackOnEventError, dropUnmatchedNotifications, compat, sampleSource, reservedMetadata } = options;
  try {
    const converter = createConverter({
      ...definitions,
      options: {
        compat,
        storeRaw,
        ackOnEventError,
        dropUnmatched: dropUnmatchedNotifications,
        sampleSource,
        reservedMetadataNamespace: reservedMetadata.namespace,
        reservedMetadataKeys: reservedMetadata.keys,
        reservedMetadataLength: reservedMetadata.length,
      },
    });
    return { converter, hash };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new ConfigError([definitionProblem(error.message)]);
  }
}

/** The compiler of definitions says `file:line:column: metric[0] (name): what is wrong`, as a text. */
function definitionProblem(text: string): Problem {
  const [, file, line, column, path, message] = /^(.+?):(\d+):(\d+): ((?:metric|event)\[\d+\][^:]*): (.*)$/s.exec(text) ?? [];
  if (file === undefined) return { file: 'definitions', line: 0, column: 0, path: '', message: text, hint: null };
  return { file, line: Number(line), column: Number(column), path: path ?? '', message: message ?? '', hint: null };
}
