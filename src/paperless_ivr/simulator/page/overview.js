/** The chapters, and lines between them for the path taken, other takes, and the usual paths. */

import { byId, element, show } from "./elements.js";
import { path } from "./line.js";

const list = byId("overview");
const drawing = byId("travel");
let flow = null;
let chosen = () => {};

/** Starts the overview; `look` is called with the code of the chapter that the user chooses. */
export function startOverview(look) {
  chosen = look;
  new ResizeObserver(draw).observe(list);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
}

/** Shows each chapter's status; `looked` is the chapter that the user chose, if any. */
export function showOverview(call, looked) {
  flow = call?.flow ?? null;
  byId("overview-empty").hidden = Boolean(flow);
  byId("overview-box").hidden = !flow;
  const whole = byId("whole-flow");
  whole.hidden = !flow;
  if (flow) whole.href = `${path("flow")}${call.state.address}`;
  byId("any-question").hidden = !flow?.chapters.some((one) => one.code === "AGENT");
  show(list, flow?.chapters ?? [], chapterElement);
  for (const item of list.children)
    item.firstChild.setAttribute("aria-pressed", String(item.dataset.chapter === looked));
  draw();
}

/** Scrolls the current chapter into view if they do not all fit. */
function follow() {
  const current = list.querySelector(".current");
  if (!current || list.dataset.at === current.dataset.chapter) return;
  list.dataset.at = current.dataset.chapter;
  const box = byId("overview-box");
  box.scrollLeft = current.offsetLeft - (box.clientWidth - current.offsetWidth) / 2;
}

function chapterElement(chapter) {
  const current = chapter.state === "current";
  return element(
    "li",
    { class: chapter.state.replace(" ", "-"), "data-chapter": chapter.code },
    element(
      "button",
      {
        "aria-label": `${chapter.title}, ${chapter.state}`,
        "aria-current": current ? "step" : null,
        tabindex: current ? 0 : -1,
        onclick: () => chosen(chapter.code),
      },
      element("span", { class: "box" }, chapter.title),
    ),
  );
}

/** Draws the lines between the boxes: usual paths, then other takes, then the path taken. */
function draw() {
  if (!flow || !list.clientWidth) return;
  const frame = list.getBoundingClientRect();
  drawing.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  const boxes = new Map();
  for (const item of list.children) {
    const { left, right, top, bottom } = item.querySelector(".box").getBoundingClientRect();
    const box = { left: left - frame.left, right: right - frame.left, top: top - frame.top, bottom: bottom - frame.top };
    boxes.set(item.dataset.chapter, { ...box, x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 });
  }
  const drawn = new Set();
  const lines = [];
  for (const [kind, steps] of [["taken", flow.travel], ["other", flow.elsewhere], ["usual", flow.lines]])
    for (const [from, to] of steps) {
      if (drawn.has(`${from} ${to}`) || !boxes.has(from) || !boxes.has(to)) continue;
      drawn.add(`${from} ${to}`);
      lines.unshift(line(kind, from, to, route(boxes.get(from), boxes.get(to), [...boxes.values()])));
    }
  drawing.querySelectorAll(".line").forEach((old) => old.remove());
  drawing.append(...lines);
  follow();
}

function line(kind, from, to, d) {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ class: `line ${kind}`, d, "data-from": from, "data-to": to }))
    path.setAttribute(name, value);
  return path;
}

/** Returns a line between boxes: straight to the next box, or through the space between rows. */
function route(from, to, boxes) {
  const side = Math.sign(Math.round(to.x - from.x));
  const level = Math.abs(to.y - from.y) < 4;
  const between = (box) => Math.abs(box.y - from.y) < 4 && box.x > from.x && box.x < to.x;
  if (level && side > 0 && !boxes.some(between)) return `M${from.right} ${from.y}H${to.left - 1}`;
  const pitch = (from.bottom - from.top) * 1.7;
  const far = Math.abs(to.y - from.y) > pitch;
  if (level) {
    const y = from.bottom + 8;
    return `M${from.x + 8 * side} ${from.bottom}V${y}H${to.x - 8 * side}V${to.bottom + 1}`;
  }
  const up = to.y < from.y;
  const [leave, reach] = up ? [from.top, to.bottom + 1] : [from.bottom, to.top - 1];
  if (!side) return `M${from.x} ${leave}V${reach}`;
  if (far) {
    const y = up ? from.top - 9 : to.top - 9;
    return `M${from.x} ${leave}V${y}H${to.x}V${reach}`;
  }
  return `M${from.x + 10 * side} ${leave}V${(leave + reach) / 2}H${to.x - 10 * side}V${reach}`;
}
