import { z } from 'zod';

export const TcpSchema = z.strictObject({
  host: z.string().min(1).describe('Where the receiver listens.'),
  port: z.int().min(1).max(65_535).default(4952).describe("Its port; Ceilometer's default."),
  publisher_id: z.string().min(1).optional().describe('Our name in each message. Default: the name of this machine.'),
  confirm: z
    .enum(['close', 'none'])
    .default('close')
    .describe(
      '`close`: a connection per batch, and its orderly end by the receiver is the receipt. `none`: one connection that stays, as in ' +
        'Ceilometer, for receivers that do not close; what one has not read when it dies is lost.',
    ),
  timeout_ms: z.int().min(1).default(10_000).describe('How long connecting, or handing a batch to the system, may take.'),
});
export type TcpParameters = z.output<typeof TcpSchema>;
export const summary =
  "Sends signed samples as MessagePack over TCP, as Ceilometer's `tcp://` does: 8 bytes of length, little-endian, then the message.";
