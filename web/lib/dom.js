// @ts-check
// Builds elements and finds them. A child is inserted as an element or as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element of the page's HTML, of its kind: `byId("prompt", HTMLTextAreaElement)`. It throws where the HTML has
 * none, or one of another kind.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id @param {abstract new () => Kind} [kind]
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!isA(found, kind)) throw new TypeError(`the page has no #${id} of the kind that is needed`);
  return found;
}

/**
 * Whether an event's target, or whatever was looked for, is an element of this kind; without one, any of HTML.
 *
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {unknown} found @param {abstract new () => Kind} [kind]
 * @returns {found is Kind}
 */
export function isA(found, kind) {
  return found instanceof (kind ?? HTMLElement);
}

/** @typedef {Node | string | null | undefined} Leaf */
/** @typedef {Leaf | readonly (Leaf | readonly Leaf[])[]} Child */
/** @typedef {string | number | boolean | null | undefined} Value */
/** @typedef {Record<string, (event: Event) => void>} Listeners */
/** @typedef {Record<string, Value>} Vars */
/** @typedef {{on?: Listeners, vars?: Vars, [name: string]: Value | Listeners | Vars}} Attributes */

// Attributes: null and false are left out; `on` holds listeners, `vars` holds CSS custom properties.
/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Attributes} [attributes] @param {Child[]} children
 */
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

// The same for an element of a drawing.
/**
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name @param {Attributes} [attributes] @param {Child[]} children
 */
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/**
 * @template {HTMLElement | SVGElement} Kind
 * @param {Kind} node @param {Attributes | undefined} attributes @param {Child[]} children
 */
function filled(node, { on = {}, vars = {}, ...attributes } = {}, children = []) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  for (const [key, value] of Object.entries(vars)) node.style.setProperty(key, String(value));
  for (const child of children.flat(2)) if (child !== null && child !== undefined) node.append(child);
  return node;
}

// A button that waits says so and stays usable by keyboard: it is marked, never disabled.
/** @param {HTMLElement} button @param {boolean} busy @param {string} text */
export function setBusy(button, busy, text) {
  button.setAttribute("aria-busy", String(busy));
  button.textContent = text;
}

// What a server sent where a list is due: the list, or an empty one.
/**
 * @template Item
 * @param {readonly Item[] | null | undefined} value
 * @returns {readonly Item[]}
 */
export function list(value) {
  return Array.isArray(value) ? value : [];
}
