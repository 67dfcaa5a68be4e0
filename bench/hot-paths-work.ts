import { readDefinitions } from '../src/config/definitions.ts';
import { shippedDefinitions } from '../src/config/load-setup.ts';
import { createConverter } from '../src/core/convert/converter.ts';
import { decodeNotification } from '../src/core/convert/envelope.ts';
import { itemLines, toEventMessage, toMeteringMessage } from '../src/core/convert/wire.ts';
import { Partition } from '../src/core/partition/partition.ts';
import { createChain } from '../src/core/transformers/chain.ts';
import { rateOfChange } from '../src/core/transformers/rate-of-change/index.ts';
import { createSigner } from '../src/lib/hmac.ts';
import { type DataEntry, parseEntry, printEntry } from '../src/model/entry.ts';
import { encodeRecord } from '../src/state/embedded/log-record.ts';
import { metadata, notifications } from './embedded-samples.ts';
import { notification } from './notifications.ts';

export interface HotPath {
  readonly name: string;
  readonly per: string;
  /** How many of them one run does. */
  readonly perRun: number;
  readonly prepare: () => () => void;
}

const distinct = 40;
const keys = 100;
const bodies = Array.from({ length: distinct }, (_, i) => notification(i));
const converter = createConverter(await readDefinitions(shippedDefinitions, 'yaml-1.2'));
const sign = createSigner('a secret of the bench, 32 bytes or more');
const out = Buffer.alloc(64 * 1024);

/** A partition with `rate_of_change` and entries for it, each with one sample of every key: every commit has as many dirty keys. */
function rates() {
  const parameters = rateOfChange.Parameters.parse({ target: { name: 'cpu_util', unit: '%', type: 'gauge' } });
  const steps = [{ transformer: rateOfChange, parameters }];
  const partition = new Partition(createChain({ cluster: 'bench', sink: 'rates', steps }));
  const chosen = Array.from({ length: keys }, (_, key) => key);
  let seq = 0;
  const next = (): DataEntry => {
    seq += 1;
    return {
      ...{ kind: 'data', listener: 'bench', seq, at: Date.now(), proven: Math.max(0, seq - 2), canaries: [] },
      notifications: notifications(0, chosen, seq, metadata, 4),
    };
  };
  return { partition, next };
}

/** What is made of them beforehand is enough for so many runs. */
const prepared = 64;

export const hotPaths: readonly HotPath[] = [
  {
    name: 'convert',
    per: 'notification',
    perRun: distinct,
    prepare: () => () => {
      for (const body of bodies) {
        const { samples, events } = converter.convert(decodeNotification(body));
        out.write(itemLines([...samples, ...events]));
      }
    },
  },
  {
    name: 'sign',
    per: 'notification',
    perRun: distinct,
    prepare: () => {
      const converted = bodies.map((body) => converter.convert(decodeNotification(body)));
      return () => {
        for (const { samples, events } of converted) {
          for (const sample of samples) toMeteringMessage(sample, sign);
          for (const event of events) toEventMessage(event, sign);
        }
      };
    },
  },
  {
    name: 'entry',
    per: 'sample',
    perRun: keys,
    prepare: () => {
      const entry = rates().next();
      return () => void parseEntry(printEntry(entry));
    },
  },
  {
    name: 'step',
    per: 'sample',
    perRun: keys,
    prepare: () => {
      const { partition, next } = rates();
      const entries = Array.from({ length: prepared }, next);
      let at = 0;
      return () => {
        partition.apply(entries[at % prepared] as DataEntry, at, 'fingerprint');
        at += 1;
        // Taken up, or the dirty keys would gather.
        partition.takeChange(400);
      };
    },
  },
  {
    name: 'commit',
    per: 'sample',
    perRun: keys,
    prepare: () => {
      const { partition, next } = rates();
      partition.apply(next(), 0, 'fingerprint');
      const change = partition.takeChange(400);
      return () => void encodeRecord(change);
    },
  },
];
