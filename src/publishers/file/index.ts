import { resolve } from 'node:path';
import { joinText, sizeOf, type TextPiece } from '../../lib/text-pieces.ts';
import { classify, Fault } from '../../model/faults.ts';
import { itemId } from '../../model/item.ts';
import type { Batch, Hand, Publisher, PublisherContext, PublisherKind } from '../publisher.ts';
import { AppendFile } from './append-file.ts';
import { type FileParameters, summary } from './schema.ts';
import { wouldTake } from './would-take.ts';

/**
 * JSON Lines in a file. Accepted means on disk (`sync: batch`). A batch that may have been written before (`replay`) is compared with
 * the ids at the end of the file, so that a crash between the write and the note that it was done doubles no line; how far back it
 * looks is `tailBytes` in `tail-ids.ts`. A batch comes again soon after, so that is far.
 */
export const file: PublisherKind<FileParameters> = {
  name: 'file',
  summary,
  open: async (parameters, context) => {
    const publisher = new FilePublisher(parameters, context);
    if (context.onlyToProbe !== true && context.hand === undefined) await publisher.prepare();
    return publisher;
  },
};

class FilePublisher implements Publisher {
  readonly takes?: 'lines';
  readonly #path: string;
  readonly #hand: Hand | undefined;
  readonly #named: string;
  readonly #format: FileParameters['format'];
  readonly #file: AppendFile;
  #chain: Promise<unknown> = Promise.resolve();
  /** Ids at the end of the file, kept while replayed batches follow each other and nobody else writes. */
  #ids: Set<string> | undefined;
  /** A failed sync drops pages that reading still shows; what we see must not count as being on disk then. */
  #distrust = false;

  constructor(parameters: FileParameters, context: PublisherContext) {
    this.#path = resolve(context.baseDir, parameters.path);
    this.#named = parameters.path;
    this.#hand = context.hand;
    this.#format = parameters.format;
    if (parameters.format === 'json') this.takes = 'lines';
    const options = {
      sync: parameters.sync === 'batch',
      maxBytes: parameters.max_bytes,
      backupCount: parameters.backup_count,
    };
    this.#file = new AppendFile(this.#path, options, context.clock);
  }

  publish(batch: Batch): Promise<void> {
    return this.#inTurn(() => this.#publish(batch));
  }

  /** Fails at the start rather than at the first batch. */
  prepare(): Promise<void> {
    return this.#inTurn(() => this.#file.prepare());
  }

  probe(): Promise<void> {
    return this.#inTurn(() => wouldTake(this.#path));
  }

  close(): Promise<void> {
    return this.#inTurn(() => this.#file.close());
  }

  async #publish(batch: Batch): Promise<void> {
    if (this.#hand !== undefined) return await this.#hand({ to: { path: this.#named }, body: joinText(this.#texts(batch)) });
    const texts = await this.#missingLines(batch);
    if (sizeOf(texts) === 0) return;
    await this.#file.append(texts);
    this.#distrust = false;
    if (this.#ids !== undefined) for (const item of batch.items) this.#ids.add(itemId(item));
  }

  async #missingLines(batch: Batch): Promise<readonly TextPiece[]> {
    if (batch.replay !== true || this.#distrust) {
      this.#ids = undefined;
      return this.#texts(batch);
    }
    const ids = this.#ids !== undefined && (await this.#file.isAsLeft()) ? this.#ids : await this.#file.readIds();
    this.#ids = ids;
    const texts = this.#texts(batch);
    if (!batch.items.some((item) => ids.has(itemId(item)))) return texts;
    const lines = joinText(texts).split('\n');
    return batch.items.map((item, index) => (ids.has(itemId(item)) ? '' : `${lines[index]}\n`));
  }

  #texts(batch: Batch): readonly TextPiece[] {
    if (this.#format === 'json') return batch.texts();
    return batch.fileTexts(this.#format === 'python' ? 'python' : 'json').map((text) => `${text}\n`);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#chain.then(work, work).catch((error: unknown) => {
      throw this.#toFault(error);
    });
    this.#chain = turn.catch(() => undefined); // the caller of that turn has the error
    return turn;
  }

  #toFault(error: unknown): Fault {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'fdatasync') this.#distrust = true;
    if (code === 'EIO' || code === 'EROFS' || code === 'ESTALE')
      return new Fault('retryable', code.toLowerCase(), 'the disk does not take it', { cause: error });
    return classify(error);
  }
}
