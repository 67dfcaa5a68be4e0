import { z } from 'zod';

// A pure function from one sample to what comes out: no clock, no network, nothing remembered but the state it is handed
// (this one has none). What is given in is never changed. `ceilograph test` holds it to the same laws as the transformers that come with the product.
export const transformer = {
  name: 'fahrenheit',
  summary: 'Celsius to Fahrenheit.',
  takes: ['samples'],
  scope: 'none',
  Parameters: z.strictObject({ decimals: z.int().min(0).max(6).default(2).describe('Digits behind the point.') }),
  examples: [
    {
      title: 'Boiling water',
      yaml: 'decimals: 0',
      given: [{ name: 'temperature.water', unit: 'C', volume: 100 }],
      expect: [{ name: 'temperature.water', unit: 'F', volume: 212 }],
    },
  ],
  rewrites: () => ['unit', 'volume'],
  step({ decimals }, sample) {
    if (sample.unit !== 'C') return { out: [{ item: sample }] };
    const celsius = Number(sample.volume);
    // Throwing makes a dead letter of this sample alone.
    if (Number.isNaN(celsius)) throw new Error(`the volume is no number: ${sample.volume}`);
    const factor = 10 ** decimals;
    const volume = Math.round((celsius * 1.8 + 32) * factor) / factor;
    return { out: [{ item: { ...sample, unit: 'F', volume } }] };
  },
};
