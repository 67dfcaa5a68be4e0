import { publisherFaults, publisherTrial } from '../faults/publishers/trial.ts';

// One fault of `npm run test:faults -- P…`, beside real servers: `services.sh run … -- node --import tsx test/run/publisher-fault.ts P1`.

const fault = publisherFaults.find(({ id }) => id === process.argv[2]);
if (fault === undefined) throw new Error(`there is no fault ${process.argv[2]}`);
await publisherTrial(fault, ({ kind, offered, lost, invented, repeated, letters }) => {
  const good = offered > 0 && lost + invented + letters === 0;
  const words = `${offered} offered, lost ${lost}, invented ${invented}, came again under their id ${repeated}, dead letters ${letters}`;
  console.log(`${fault.id} ${kind}: ${good ? 'held' : 'MISSED'}, ${words}`);
  if (!good) process.exitCode = 1;
});
// The verdicts are told; what a hurt connection still holds open must not keep the process.
process.exit();
