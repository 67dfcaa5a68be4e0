import type { JsonObject } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';
import type { Sample } from '../../model/sample.ts';

/** About what a sample's other fields come to. */
const fieldsBytes = 300;

/**
 * Characters that the samples of one notification come to as lines, nearly. A definition with `lookup` repeats the payload in every
 * sample's metadata: 1 MiB of notification can ask for 10 GB of samples, so this is looked at before anything is printed.
 */
export function outputSize(samples: readonly Sample[]): number {
  const known = new Map<JsonObject, number>();
  let size = 0;
  for (const { resource_metadata: metadata } of samples) {
    let length = known.get(metadata);
    if (length === undefined) {
      length = printJson(metadata).length;
      known.set(metadata, length);
    }
    size += fieldsBytes + length;
  }
  return size;
}
