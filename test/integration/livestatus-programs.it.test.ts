import { describe, it } from 'vitest';
import { faultsOfPrograms } from '../livestatus/faults-of-programs.ts';

describe('the Livestatus proxy as a program stands', () => {
  it.each(faultsOfPrograms.map((fault) => [`${fault.id}: ${fault.about}`, fault] as const))(
    '%s',
    { timeout: 120_000 },
    async (_title, fault) => {
      await fault.run();
    },
  );
});
