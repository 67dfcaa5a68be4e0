/** What can be broken on purpose: with any one of these the simulation must find something wrong. Empty in earnest. */
export const flaws = {
  epoch: 'the guard does not compare the epoch',
  boot: 'guard and lease do not tell two boots of one agent apart',
  incarnation: 'the guard does not compare the incarnation',
  'run-id': 'nobody notices that the store was restarted',
  floor: 'a recovery does not raise the epoch floor',
  version: 'a commit does not compare the version',
  'commit-id': 'a commit that comes again is not known',
  'settle-before-commit': 'a worker settles what it reads',
  'publish-before-commit': 'outputs are published before their commit',
  'clear-before-publish': 'the outbox is cleared before the target accepted',
  'ack-before-confirm': 'a listener acknowledges before the topic confirmed',
  'sequence-dedupe': 'entries are applied whatever their sequence is',
  'id-dedupe': 'notifications are applied whatever their id is',
  'listener-boot': 'a listener that starts again goes on under the name of its former boot',
  custody: 'a listener appends after a sleep what its source has given to another meanwhile',
  'confirm-a-gap': 'an entry counts as confirmed though one before it does not',
} as const;

export type Flaw = keyof typeof flaws;
