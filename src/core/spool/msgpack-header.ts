import { badFrame } from '../../model/msgpack-value.ts';

/** The head of one value: how long it is itself, how many bytes follow it, how many values it holds. */
export interface Header {
  bytes: number;
  payload: number;
  children: number;
}

const fixed: Readonly<Record<number, readonly [bytes: number, payload: number]>> = {
  192: [1, 0],
  194: [1, 0],
  195: [1, 0],
  202: [5, 0],
  203: [9, 0],
  204: [2, 0],
  205: [3, 0],
  206: [5, 0],
  207: [9, 0],
  208: [2, 0],
  209: [3, 0],
  210: [5, 0],
  211: [9, 0],
  212: [2, 1],
  213: [2, 2],
  214: [2, 4],
  215: [2, 8],
  216: [2, 16],
};
/** A length in 1, 2 or 4 bytes follows; an extension has its type after that. */
const sized: Readonly<Record<number, readonly [lengthBytes: number, kind: 'bytes' | 'extension' | 'array' | 'map']>> = {
  196: [1, 'bytes'],
  197: [2, 'bytes'],
  198: [4, 'bytes'],
  199: [1, 'extension'],
  200: [2, 'extension'],
  201: [4, 'extension'],
  217: [1, 'bytes'],
  218: [2, 'bytes'],
  219: [4, 'bytes'],
  220: [2, 'array'],
  221: [4, 'array'],
  222: [2, 'map'],
  223: [4, 'map'],
};

/** Reads the head at `at` into `header`; false: not all of it is there yet. Throws a poison Fault `bad_frame` for byte 0xc1. */
export function readHeader(view: DataView, at: number, end: number, header: Header): boolean {
  if (at >= end) return false;
  const code = view.getUint8(at);
  header.bytes = 1;
  header.payload = 0;
  header.children = 0;
  if (code < 0x80 || code >= 0xe0) return true;
  if (code < 0x90) header.children = (code & 0x0f) * 2;
  else if (code < 0xa0) header.children = code & 0x0f;
  else if (code < 0xc0) header.payload = code & 0x1f;
  else return readLongHeader(view, code, at, end, header);
  return true;
}

function readLongHeader(view: DataView, code: number, at: number, end: number, header: Header): boolean {
  const plain = fixed[code];
  if (plain !== undefined) {
    [header.bytes, header.payload] = plain;
    return at + header.bytes <= end;
  }
  const [lengthBytes, kind] = sized[code] ?? [0, 'bytes'];
  if (lengthBytes === 0) throw badFrame('byte 0xc1 begins no MessagePack value');
  header.bytes = 1 + lengthBytes + (kind === 'extension' ? 1 : 0);
  if (at + header.bytes > end) return false;
  const length = lengthBytes === 1 ? view.getUint8(at + 1) : lengthBytes === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  if (kind === 'array') header.children = length;
  else if (kind === 'map') header.children = length * 2;
  else header.payload = length;
  return true;
}
