import type { LivestatusFault } from './fault.ts';
import { faultsOfAnswers } from './faults-of-answers.ts';
import { faultsOfOperation } from './faults-of-operation.ts';
import { faultsOfPrograms } from './faults-of-programs.ts';
import { faultsOfReports } from './faults-of-reports.ts';
import { faultsOfRequests } from './faults-of-requests.ts';
import { faultsOfSites } from './faults-of-sites.ts';

export const livestatusFaults: readonly LivestatusFault[] = [
  ...faultsOfRequests,
  ...faultsOfAnswers,
  ...faultsOfSites,
  ...faultsOfOperation,
  ...faultsOfPrograms,
  ...faultsOfReports,
].sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
