// Builds elements and finds them. A child is inserted as an element or as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

// Attributes: null and false are left out; `on` holds listeners, `vars` holds CSS custom properties.
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

// The same for an element of a drawing.
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, { on = {}, vars = {}, ...attributes } = {}, children = []) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  for (const [key, value] of Object.entries(vars)) node.style.setProperty(key, String(value));
  node.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return node;
}

// A button that waits says so and stays usable by keyboard: it is marked, never disabled.
export function setBusy(button, busy, text) {
  button.setAttribute("aria-busy", String(busy));
  button.textContent = text;
}

// What a server sent where a list is due: the list, or an empty one.
export function list(value) {
  return Array.isArray(value) ? value : [];
}
