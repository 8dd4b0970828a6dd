/** What is masked: shown one by one or all at once, and hidden again after a minute. */

import { announce, element, icon } from "./elements.js";
import { act } from "./line.js";

const REVEALED_MS = 60_000;
let hiding = null;

/** Shows something that is masked, or hides it. */
export async function reveal(on, what = "all") {
  if (on || what === "all") {
    clearTimeout(hiding);
    hiding = null;
  }
  const problem = await act("reveal", { on, what });
  if (problem) announce("alert", problem);
  else if (on) hiding = setTimeout(() => reveal(false), REVEALED_MS);
}

/** Hides what is shown, if anything is. */
export function hideAll() {
  if (hiding !== null) reveal(false);
}

/** The eye that shows one thing alone; nothing where there is nothing to show. */
export function eye(mask, name) {
  if (!mask) return null;
  return element("button", {
    class: "quiet icon eye",
    "aria-label": `Show ${name}`,
    "aria-pressed": String(mask.shown),
    onclick: () => reveal(!mask.shown, mask.what),
  }, icon(mask.shown ? "eye" : "eye-off"));
}
