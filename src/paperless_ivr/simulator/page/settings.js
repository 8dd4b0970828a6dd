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
  if (localStorage.getItem("simulator-who-speaks") === null)
    byId("asked-once").append(byId("who-speaks").parentElement);
  use();
}

/** Who speaks is asked once, next to Call: from the first call on, it is one of the settings. */
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
