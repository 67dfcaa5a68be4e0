import { MemoryMails } from '../mail/memory-mails.ts';
import { acceptedMailsContract } from './accepted-mails.contract.ts';

const bound = 2_000;

acceptedMailsContract('in memory, as tests have them', async () => {
  const mails = new MemoryMails(bound);
  return { bound, agent: async () => mails, dispose: async () => undefined };
});
