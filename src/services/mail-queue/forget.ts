import type { MailFile } from './mail-file.ts';

const atOnce = 1_000;

/** Keys and threads whose time is over. Returns whether there may be more. */
export async function forgetOld(file: MailFile, now: number): Promise<boolean> {
  file.refresh();
  const rows = [...file.forget.getKeys({ end: [now], limit: atOnce })] as unknown as [number, 'keys' | 'threads', string][];
  if (rows.length === 0) return false;
  await file.transact(() => {
    for (const [at, table, key] of rows) {
      file[table].remove(key);
      file.forget.remove([at, table, key]);
    }
  });
  return rows.length === atOnce;
}
