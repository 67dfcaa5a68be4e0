import { describe, it } from 'vitest';
import { livestatusFaults } from '../../livestatus/faults.ts';

describe('a Livestatus proxy stands', () => {
  it.each(
    livestatusFaults.filter((fault) => fault.slow !== true).map((fault) => [`${fault.id}: ${fault.about}`, fault] as const),
  )('%s', async (_title, fault) => {
    await fault.run();
  });
});
