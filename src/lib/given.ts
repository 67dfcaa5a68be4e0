/** What is given of it. */
export type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined, for whoever takes a member that is there as one that is meant. */
export function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
