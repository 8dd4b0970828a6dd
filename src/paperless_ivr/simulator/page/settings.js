/** Settings of the telephone: kept in the browser, unlike anything of a call. */

import { byId } from "./elements.js";

const KEPT = ["who-speaks", "speed", "clock", "hints", "shortcuts"];

/** Takes up what was kept; `use` is called at first, and whenever something has changed. */
export function startSettings(use) {
  for (const id of KEPT) remember(byId(id), use);
  byId("settings").addEventListener("click", () => {
    const box = byId("settings-box");
    box.hidden = !box.hidden;
    byId("settings").setAttribute("aria-expanded", String(!box.hidden));
  });
  use();
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
