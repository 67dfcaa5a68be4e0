/**
 * For logs: the last entry up to which everything is applied. On every attach it is read once more; it must be the first to
 * come and must carry the same fingerprint. Anything else is a stopped, visible state that only an operator's word leaves.
 */
export interface Anchor {
  readonly offset: number;
  readonly fingerprint: string;
}

export type AnchorCheck = 'same' | 'LOG_GAP' | 'LOG_REPLACED' | 'LOG_SHORTER';

/** `first` is the first entry read at the anchor's offset, or null when nothing is there although the topic answered. */
export function checkAnchor(anchor: Anchor, first: Anchor | null): AnchorCheck {
  if (first === null) return 'LOG_SHORTER';
  if (first.offset > anchor.offset) return 'LOG_GAP';
  return first.fingerprint === anchor.fingerprint ? 'same' : 'LOG_REPLACED';
}
