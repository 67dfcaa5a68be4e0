import type { Route } from './route.ts';

/** Which of the routes a path means, before anything else of a request is looked at. */
export class RouteTable {
  readonly #routes: readonly { readonly route: Route; readonly pattern: RegExp }[];
  readonly routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    this.#routes = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  }

  /** The methods that the path takes; none: there is nothing. */
  methods(path: string): readonly string[] {
    const found = this.#of(path).map(({ method }) => method);
    return found.includes('GET') ? ['GET', 'HEAD', ...found.filter((method) => method !== 'GET')] : found;
  }

  isOpen(path: string): boolean {
    const found = this.#of(path);
    return found.length > 0 && found.every(({ open }) => open === true);
  }

  get paths(): readonly string[] {
    return [...new Set(this.routes.map(({ path }) => path))];
  }

  #of(path: string): readonly Route[] {
    return this.#routes.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route);
  }
}

function patternOf(path: string): RegExp {
  const escaped = path.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${escaped.join('/')}$`);
}
