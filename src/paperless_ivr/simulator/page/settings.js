/** The telephone's settings. They are saved in the browser; nothing from a call is saved. */

import { byId } from "./elements.js";

const KEPT = ["who-speaks", "speed", "clock", "hints", "shortcuts"];

/** Restores the saved settings; `use` is called now and after each change. */
export function startSettings(use) {
  for (const id of KEPT) remember(byId(id), use);
  byId("settings").addEventListener("click", () => {
    const box = byId("settings-box");
    box.hidden = !box.hidden;
    byId("settings").setAttribute("aria-expanded", String(!box.hidden));
  });
  if (localStorage.getItem("simulator-who-speaks") === null)
    byId("asked-once").append(byId("who-speaks").parentElement);
  use();
}

/** Moves "Who speaks" from its place above Call into the settings, and remembers the choice. */
export function keepWhoSpeaks() {
  const field = byId("who-speaks");
  localStorage.setItem("simulator-who-speaks", field.value);
  byId("speed").parentElement.before(field.parentElement);
}

function remember(field, use) {
  const name = `simulator-${field.id}`;
  const kept = localStorage.getItem(name);
  const box = field.type === "checkbox";
  if (kept !== null) {
    if (box) field.checked = kept === "true";
    else field.value = kept;
  }
  field.addEventListener("change", () => {
    localStorage.setItem(name, String(box ? field.checked : field.value));
    use();
  });
}
