import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Problem } from './problem.ts';

const inflateGzip = promisify(gunzip);
/** Tiny bodies may grow much without harm. */
const freeBytes = 64 * 1024;

/** Undoes `Content-Encoding: gzip`, never beyond the limit or the ratio: the bytes of a bomb are not even produced. */
export async function inflate(
  body: Buffer,
  encoding: string | undefined,
  bound: { readonly maxBytes: number; readonly maxRatio: number },
): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return body;
  if (encoding !== 'gzip') throw new Problem(415, `the content encoding ${encoding} is not supported, gzip is`);
  const maxOutputLength = Math.min(bound.maxBytes, Math.max(freeBytes, body.length * bound.maxRatio));
  try {
    return await inflateGzip(body, { maxOutputLength });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(413, `the body grows beyond ${maxOutputLength} bytes when decompressed`);
    throw new Problem(400, 'the body is not gzip');
  }
}
