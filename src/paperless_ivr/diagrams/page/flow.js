"use strict";

/* The page also works without this script. It then shows the pictures one after another. */

const flow = JSON.parse(document.getElementById("flow").textContent);
const states = new Map(flow.states.map((state) => [state.code, state]));
const byRef = new Map(flow.states.map((state) => [state.ref, state]));
const sections = [...document.querySelectorAll("section")];
const [main, panel, body] = ["main", "panel", "body"].map((id) => document.getElementById(id));
const [search, found, ending, code] = ["search", "found", "ending", "code"].map((id) => document.getElementById(id));
let zoom = 0; // 0 fits the picture to the window

document.body.classList.add("script");
for (const hidden of document.querySelectorAll("header [hidden]:not(#found)")) hidden.hidden = false;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// ── the address ──

const WHOLE = "whole"; // the address that shows all pictures together

function shown() {
  return sections.filter((section) => !section.hidden);
}

/** Shows what the address names: all pictures, a chapter, a card, or an ending in the overview. */
function go() {
  const name = decodeURIComponent(location.hash.slice(1)) || "overview";
  const whole = name === WHOLE;
  const target = document.getElementById(name) ?? sections[0];
  const section = target.closest("section") ?? sections[0];
  for (const one of sections) one.hidden = !whole && one !== section;
  document.body.classList.toggle("whole", whole);
  fit();
  light([]);
  for (const old of document.querySelectorAll(".at")) old.classList.remove("at");
  if (target === section) {
    main.scrollTo(0, 0);
    tell();
  } else {
    target.classList.add("at");
    target.scrollIntoView({ block: "center", inline: "center" });
    if (byRef.has(name)) tellState(byRef.get(name));
    else if (states.has(name)) tellEnding(name);
  }
  const where = whole ? "The whole flow" : section.getAttribute("aria-label");
  document.title = `${where} · paperless billing by telephone`;
}

const ACROSS = 3; // the number of pictures side by side when all are shown

/** Sizes the pictures. One picture fits the window if it stays legible; all are side by side. */
function fit() {
  for (const section of shown()) {
    const picture = section.querySelector("svg");
    const { width, height } = picture.viewBox.baseVal;
    const whole = Math.min(main.clientWidth / width, main.clientHeight / height);
    const one = Math.min(Math.max(whole, 0.7), 1.25);
    const all = main.clientWidth / ACROSS / width;
    const factor = zoom || (shown().length > 1 ? all : one);
    picture.style.width = `${width * factor}px`;
    picture.style.height = `${height * factor}px`;
  }
}

function scale(by) {
  const picture = shown()[0].querySelector("svg");
  const now = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
  zoom = by ? Math.min(Math.max(now * by, 0.2), 4) : 0;
  fit();
}

/** Returns the elements in the shown pictures that match a selector. */
function all(selector) {
  return shown().flatMap((section) => [...section.querySelectorAll(selector)]);
}

// ── highlighting ──

/** Highlights parts of the shown pictures and fades the rest. Without parts, nothing is faded. */
function light(parts) {
  for (const old of document.querySelectorAll(".lit")) old.classList.remove("lit");
  for (const old of document.querySelectorAll(".dim")) old.classList.remove("dim");
  if (!parts.length) return;
  for (const picture of all("svg")) picture.classList.add("dim");
  for (const part of parts) part.classList.add("lit");
}

function cards(codes) {
  return codes.flatMap((code) => all(`.state[data-state="${code}"]`));
}

function lightRow(row) {
  const targets = row.dataset.to.split(" ").filter(Boolean);
  const of = row.closest(".state")?.dataset.state;
  const lines = targets.flatMap((to) => all(`[data-from="${of}"][data-to="${to}"]`));
  light([row, ...lines, ...cards([...(of ? [of] : []), ...targets])]);
}

function lightCard(card) {
  const code = card.dataset.state;
  const rows = all(`.row[data-to~="${code}"]`);
  const from = rows.map((row) => row.closest(".state")?.dataset.state).filter(Boolean);
  const own = [...card.querySelectorAll(".row")];
  light([...rows, ...own, ...all(`[data-to="${code}"]:not(g)`), ...cards([code, ...from])]);
}

/** Returns the row of a card at a height, even if the pointer is between the texts of the row. */
function rowAt(card, y) {
  if (y === undefined) return undefined;
  return [...card.querySelectorAll(".row")].findLast((row) => row.getBoundingClientRect().top <= y);
}

function over(event) {
  const card = event.target.closest?.(".state");
  const row = event.target.closest?.(".row") ?? (card && rowAt(card, event.clientY));
  if (row) lightRow(row);
  else if (card) lightCard(card);
  else light([]);
}

// ── the panel ──

function tell(...children) {
  panel.hidden = !children.length;
  body.classList.toggle("with-panel", children.length > 0);
  if (children.length) {
    const close = element("button", { class: "close", type: "button" }, "Close");
    close.addEventListener("click", () => tell());
    panel.replaceChildren(close, ...children);
    panel.scrollTop = 0;
  }
  fit();
}

function part(title, ...children) {
  return children.length ? [element("h3", {}, title), ...children] : [];
}

function list(items) {
  return items.length ? [element("ul", {}, ...items.map((item) => element("li", {}, ...item)))] : [];
}

function to(code) {
  const state = states.get(code);
  return element("a", { href: `#${state.ref || code}` }, `${state.ref} ${state.title}`.trim());
}

function said(row) {
  const between = row.else ? " else " : ", ";
  const where = row.to.flatMap((code, n) => [n ? between : " → ", code ? to(code) : row.here]);
  const when = code.checked ? row.codes.map(guarded).join(" | ") : row.words;
  return [`${row.key ? `${row.key}: ` : ""}${when}`, ...where, ...row.says.map(quote)];
}

function quote(words) {
  return element("blockquote", {}, words);
}

/** Returns the prompts of a state, grouped by the condition under which they are heard. */
function heard(state) {
  const groups = new Map();
  for (const { when, words } of state.heard) groups.set(when, [...(groups.get(when) ?? []), words]);
  return [...groups].flatMap(([when, said]) => [
    ...(when ? [element("h4", {}, `${when[0].toUpperCase()}${when.slice(1)}:`)] : []),
    ...said.map(quote),
  ]);
}

function leading(code) {
  const inOrder = [...flow.states].sort((a, b) => a.ref.localeCompare(b.ref));
  return inOrder.flatMap((state) =>
    state.rows
      .filter((row) => row.to.includes(code))
      .map((row) => [to(state.code), `: ${row.key ? `${row.key}, ` : ""}${row.words}`, ...row.says.map(quote)]),
  );
}

function tellState(state) {
  tell(
    element("h2", {}, `${state.ref} ${state.title}`),
    `${state.purpose} `,
    element("code", {}, state.code),
    ...part("What is heard", ...heard(state)),
    ...part("Where the call goes", ...list(state.rows.map(said))),
    ...part("What leads here", ...list(leading(state.code))),
    ...part(
      "The rows of the table, in order",
      element("ol", { class: "rows" }, ...state.exact.map((row) => element("li", {}, element("code", {}, row)))),
    ),
  );
}

function tellEnding(code) {
  const state = states.get(code);
  tell(
    element("h2", {}, state.title),
    `${state.purpose} `,
    element("code", {}, code.toLowerCase()),
    ...part("What is heard", ...heard(state)),
    ...part("How a call can end this way", ...list(leading(code))),
  );
}

// ── words or code ──

/** Returns a row of the table without its target: the event and the guard. */
function guarded(row) {
  return row.split(" → ")[0];
}

/** Returns the rows of the table that a line of a picture stands for. */
function rowsOf(row) {
  const at = [...row.parentElement.querySelectorAll(":scope > .row")].indexOf(row);
  const card = row.closest(".state");
  return card ? states.get(card.dataset.state).rows[at].codes : flow.notes[row.closest("section").id][at];
}

const CHARACTER = 5.5; // the width of a character of code, in pixels

/** Adds the code that the page shows in place of the words while the switch is on. */
function coded(words, text, room) {
  const first = words.querySelector("text");
  const fits = Math.floor(room / CHARACTER);
  const lines = text.match(new RegExp(`.{1,${fits}}(?: |$)|.{${fits}}`, "g"));
  const most = words.children.length + 1;
  if (lines.length > most) lines.splice(most - 1, Infinity, `${lines[most - 1].slice(0, fits - 1)}…`);
  lines.forEach((line, n) => {
    const at = document.createElementNS(first.namespaceURI, "text");
    at.setAttribute("class", `${first.classList[0]} exact`);
    at.setAttribute("x", first.getAttribute("x"));
    at.setAttribute("y", Number(first.getAttribute("y")) + 10 * (n - (lines.length > 1 ? 0.5 : 0)));
    at.textContent = line.trim();
    words.after(at);
  });
}

function writeCode() {
  for (const title of document.querySelectorAll(".top .title"))
    coded(title, title.closest(".state").dataset.state, 230);
  for (const row of document.querySelectorAll(".row")) {
    const words = row.querySelector(".words");
    const [from, until] = [words, words.nextElementSibling].map((part) =>
      Number(part.querySelector("rect, text").getAttribute("x")),
    );
    coded(words, rowsOf(row).map(guarded).join(" | "), until - from - 6);
    const to = row.querySelector(".title");
    if (to) coded(to, row.dataset.to, 200);
  }
}

code.addEventListener("change", () => {
  if (!document.querySelector(".picture .exact")) writeCode();
  document.body.classList.toggle("code", code.checked);
  if (!panel.hidden) go();
});

// ── a call ──

let step = -1; // before the first step

/** Marks the rows that a call took, and the cards, chapters, and ending that it reached. */
function mark() {
  document.body.classList.add("call");
  for (const { state, row } of flow.call) {
    const card = document.querySelector(`.state[data-state="${state}"]`);
    const section = card.closest("section");
    const lines = section.querySelectorAll(`.state[data-state="${state}"] .row, .note .row`);
    const taken = [...lines].find((line) => rowsOf(line).includes(row));
    const chapter = document.querySelector(`.chapter[data-letter="${section.id}"]`);
    const to = row.split(" → ")[1];
    const end = states.get(to)?.ref ? null : document.getElementById(to);
    for (const part of [card, taken, chapter, end]) part?.classList.add("taken");
  }
}

function goTo(next) {
  step = Math.min(Math.max(next, 0), flow.call.length - 1);
  const { state, row } = flow.call[step];
  const line = states.get(state).rows.find((one) => one.codes.includes(row));
  const words = line ? `${line.key ? `${line.key}: ` : ""}${line.words}` : guarded(row);
  const { ref } = states.get(state);
  document.getElementById("step").textContent = `Step ${step + 1} of ${flow.call.length} at ${ref}: ${words}`;
  const hash = `#${ref}`;
  if (location.hash === hash) go();
  else location.hash = hash;
}

if (flow.call.length) {
  mark();
  for (const button of document.querySelectorAll("[data-step]"))
    button.addEventListener("click", () => goTo(step + Number(button.dataset.step)));
}

// ── search ──

function look() {
  const asked = search.value.trim().toLowerCase();
  const hits = asked
    ? flow.states.filter((state) => state.search.includes(asked)).slice(0, 30)
    : [];
  found.hidden = !asked;
  found.replaceChildren(
    ...hits.map((state) => {
      const link = element("a", { href: `#${state.ref || state.code}` }, `${state.ref} ${state.title} `.trim(), " ");
      const row = state.rows.find((one) => one.words.toLowerCase().includes(asked));
      link.append(element("small", {}, row ? `${row.key} ${row.words}`.trim() : state.code));
      return element("li", {}, link);
    }),
    ...(asked && !hits.length ? [element("li", {}, "Nothing found.")] : []),
  );
}

function leaveSearch() {
  found.hidden = true;
}

// ── events ──

for (const head of document.querySelectorAll("g.state > .top")) {
  head.setAttribute("tabindex", "0");
  head.setAttribute("role", "button");
}

function open(card) {
  const hash = `#${card.id}`;
  if (location.hash === hash) tellState(byRef.get(card.id));
  else location.hash = hash;
}

main.addEventListener("click", (event) => {
  const card = event.target.closest("g.state");
  if (card && !event.target.closest("a")) open(card);
  const chapter = event.target.closest("g.chapter");
  if (chapter && !event.target.closest("a")) location.hash = `#${chapter.dataset.letter}`;
});
main.addEventListener("pointermove", over);
main.addEventListener("pointerleave", () => light([]));
main.addEventListener("focusin", over);
search.addEventListener("input", look);
search.addEventListener("keydown", (event) => {
  const first = found.querySelector("a");
  if (event.key === "Enter" && first) first.click();
  if (event.key === "ArrowDown" && first) {
    event.preventDefault();
    first.focus();
  }
});
found.addEventListener("click", leaveSearch);
found.addEventListener("keydown", (event) => {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!step) return;
  event.preventDefault();
  (event.target.closest("li")[step]?.querySelector("a") ?? search).focus();
});
ending.addEventListener("change", () => {
  if (!ending.value) return;
  if (location.hash === `#${ending.value}`) tellEnding(ending.value);
  else location.hash = `#${ending.value}`;
  ending.value = "";
});
for (const button of document.querySelectorAll("[data-zoom]"))
  button.addEventListener("click", () => scale(Number(button.dataset.zoom)));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (!found.hidden) leaveSearch();
    else if (!panel.hidden) tell();
    else if (shown().length > 1 || shown()[0] !== sections[0]) location.hash = "#overview";
    return;
  }
  const head = event.target.closest?.("g.state > .top");
  if (head && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    open(head.parentElement);
  }
  if (event.target.closest?.("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = { "/": () => search.focus(), "+": () => scale(1.25), "-": () => scale(0.8), 0: () => scale(0) }[event.key];
  if (key) {
    event.preventDefault();
    key();
  }
});
window.addEventListener("hashchange", go);
window.addEventListener("resize", fit);
go();
