/** Elements made from values; text is only ever set as text, never parsed as HTML. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]  `on...` adds a listener, null and false leave an attribute out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function createElement(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter(isPresent));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 */
function setAttribute(element, name, value) {
  if (typeof value === "function") element.addEventListener(name.slice("on".length), value);
  else if (value === true) element.setAttribute(name, "");
  else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, String(value));
}

/**
 * @param {Node | string | null | undefined | false} child
 * @returns {child is Node | string}
 */
function isPresent(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

/**
 * The element of the page with an id. Throws where it is missing, which is an error of the page.
 * @param {string} id
 * @returns {any}
 */
export function findElement(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element #${id}`);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of the sprite in index.html, hidden from screen readers: its button has a name.
 * @param {string} name
 */
export function createIcon(name) {
  const icon = document.createElementNS(SVG, "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  icon.append(use);
  return icon;
}

/**
 * A button with an icon, and its name as text or for screen readers and the tooltip alone.
 * @param {string} icon
 * @param {string} label
 * @param {(event: MouseEvent) => void} onClick
 * @param {Record<string, any>} [attributes]
 */
export function createIconButton(icon, label, onClick, attributes = {}) {
  const named = { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes };
  return createElement("button", { ...named, onclick: onClick }, createIcon(icon));
}
