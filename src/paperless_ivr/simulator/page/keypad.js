/** The keypad: twelve buttons, labeled with what they mean now. Arrow keys move between them. */

import { byId, element, icon } from "./elements.js";

const LETTERS = {
  2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ",
};
const KEYS = [..."123456789*0#"];
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };

const pad = byId("keypad");
const buttons = new Map();

/** Creates the keys; `press` is called with each key pressed. */
export function makeKeypad(press) {
  KEYS.forEach((key, at) => {
    const button = element(
      "button",
      { class: "key", "data-digit": key, tabindex: at ? -1 : 0, onclick: () => press(key) },
      element("span", { class: "digit" }, key),
      " ",
      element("span", { class: "label" }, icon("lock"), element("span", { class: "means" })),
      element("span", { class: "lock-bar" }),
    );
    buttons.set(key, button);
    pad.append(button);
  });
  pad.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const at = KEYS.indexOf(document.activeElement?.dataset?.digit);
    if (!step || at < 0) return;
    event.preventDefault();
    focusKey(KEYS[(at + step + KEYS.length) % KEYS.length]);
  });
  pad.addEventListener("focusin", (event) => {
    const key = event.target.closest(".key");
    if (key) for (const one of buttons.values()) one.tabIndex = one === key ? 0 : -1;
  });
}

function focusKey(key) {
  buttons.get(key).focus();
}

/** Labels the keys; `locked` is the share of the must-hear words heard so far, or null. */
export function showKeys(keys, locked, hints) {
  for (const [key, button] of buttons) {
    const means = keys[key];
    const waits = Boolean(means?.consent && locked !== null);
    button.classList.toggle("live", Boolean(means && !means.shared));
    button.classList.toggle("shared", Boolean(means?.shared));
    button.classList.toggle("locked", waits);
    button.style.setProperty("--heard", waits ? locked : 1);
    const label = means && hints ? means.label : (LETTERS[key] ?? "");
    button.querySelector(".means").textContent = label;
    const name = `${key} ${label}`.trim();
    button.setAttribute("aria-label", waits ? `${name}, locked until heard` : name);
  }
}

/** Shows a key as pressed for a moment. */
export function flash(key) {
  const button = buttons.get(key);
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 120);
}
