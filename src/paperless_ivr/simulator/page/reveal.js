/** Masked data: revealed one item at a time or all at once, and hidden again after a minute. */

import { announce, element, icon } from "./elements.js";
import { act } from "./line.js";

const REVEALED_MS = 60_000;
let hiding = null;

/** Reveals one masked item or all of them, or hides them. */
export async function reveal(on, what = "all") {
  if (on || what === "all") {
    clearTimeout(hiding);
    hiding = null;
  }
  const problem = await act("reveal", { on, what });
  if (problem) announce("alert", problem);
  else if (on) hiding = setTimeout(() => reveal(false), REVEALED_MS);
}

/** Hides everything that is revealed. */
export function hideAll() {
  if (hiding !== null) reveal(false);
}

/** Creates the eye button that reveals one item. Returns null if there is nothing to reveal. */
export function eye(mask, name) {
  if (!mask) return null;
  return element("button", {
    class: "quiet icon eye",
    "aria-label": `Show ${name}`,
    "aria-pressed": String(mask.shown),
    onclick: () => reveal(!mask.shown, mask.what),
  }, icon(mask.shown ? "eye" : "eye-off"));
}
