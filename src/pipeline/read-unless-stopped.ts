import type { Attachment, Received } from '../topics/topic.ts';

/** Nothing when `soft` came first. */
export async function readUnlessStopped(
  attachment: Attachment,
  max: number,
  waitMs: number,
  soft: AbortSignal,
): Promise<readonly Received[]> {
  try {
    return await attachment.read(max, waitMs, soft);
  } catch (error) {
    if (soft.aborted) return [];
    throw error;
  }
}
