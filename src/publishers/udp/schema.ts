import { z } from 'zod';

export const UdpSchema = z.strictObject({
  host: z.string().min(1).describe('Where the receiver listens.'),
  port: z.int().min(1).max(65_535).default(4952).describe("Its port; Ceilometer's default."),
});
export type UdpParameters = z.output<typeof UdpSchema>;
export const summary =
  "Sends each signed sample as one MessagePack datagram, as Ceilometer's `udp://` does. Nothing answers, so nothing is promised beyond " +
  'handing it to the network; a sample too large for a datagram becomes a dead letter.';
