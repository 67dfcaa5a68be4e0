type Child = Node | string | null;
type Attributes = Readonly<Record<string, string | number | boolean>>;

/** An element with attributes and children. Text is only ever set as text: what comes from outside never becomes markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function set(element: Element, name: string, value: string | number | boolean): void {
  if (value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value === true ? '' : value))
    element.setAttribute(name, String(value === true ? '' : value));
}

/** Changes the document only where the text is another one: a screen reader and a selection are left in peace. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as E;
}

/** Makes the children of `parent` those of `items`, in this order; what stays is changed in place and keeps focus and animation. */
export function keep<T, E extends Element>(
  parent: Element,
  items: readonly T[],
  key: (item: T) => string,
  make: (item: T) => E,
  change: (element: E, item: T) => void,
): void {
  const there = new Map([...parent.children].map((child) => [child.getAttribute('data-key') ?? '', child as E]));
  let place: Element | null = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let element = there.get(name);
    if (element === undefined) {
      element = make(item);
      element.setAttribute('data-key', name);
    }
    there.delete(name);
    change(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const gone of there.values()) gone.remove();
}
