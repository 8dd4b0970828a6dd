/** Helpers: look up and create elements, and update lists without replacing unchanged items. */

export const byId = (id) => document.getElementById(id);

/** Creates an element with attributes and children; strings become text, never markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute.startsWith("on")) made.addEventListener(attribute.slice(2), value);
    else if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(attribute, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Creates a decorative icon from icons.svg. The accessible name is on its button or next to it. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon-image");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "use"));
  setIcon(svg, name);
  return svg;
}

/** Swaps the icon inside an element. */
export function setIcon(holder, name) {
  holder.querySelector("use").setAttribute("href", `/page/icons.svg#${name}`);
}

const CONTROLS = "a, button, summary";

/** Replaces an element. Open details stay open, and the focus stays where it was. */
function replace(old, made) {
  const at = [...old.querySelectorAll(CONTROLS)].indexOf(document.activeElement);
  if (old.querySelector("details[open]")) made.querySelector("details")?.setAttribute("open", "");
  const focused = old === document.activeElement;
  old.replaceWith(made);
  if (focused) made.focus();
  else if (at >= 0) made.querySelectorAll(CONTROLS)[at]?.focus();
}

/** Shows items in a list, keeping the elements of unchanged items. */
export function show(list, items, make) {
  const keys = items.map((item) => JSON.stringify(item));
  const old = [...list.children];
  items.forEach((item, at) => {
    const there = old[at];
    if (there && there.dataset.key === keys[at]) return;
    const made = make(item, at);
    made.dataset.key = keys[at];
    if (there) replace(there, made);
    else list.append(made);
  });
  old.slice(items.length).forEach((rest) => rest.remove());
}

/** Updates the options of a select if they changed, and its value. */
export function choose(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.replaceChildren(...options.map(([is, says]) => element("option", { value: is }, says)));
    select.dataset.key = key;
  }
  if (document.activeElement !== select || !select.matches(":open, :focus-visible"))
    select.value = value;
}

/** Returns seconds as minutes and seconds. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Announces text to screen readers, even if it repeats the last announcement. */
export function announce(region, text) {
  const live = byId(`live-${region}`);
  live.textContent = live.textContent === text ? `${text}\u00a0` : text;
}
