/** Names of this machine, as a Host header may have them. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** Is what listens there reached from this machine only? */
export function isLoopback(host: string): boolean {
  return loopbackNames.includes(host.toLowerCase()) || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** `[::1]:8788` → `::1`, `Localhost:80` → `localhost`. */
export function hostName(header: string): string {
  return header
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
