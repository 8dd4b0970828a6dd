"use strict";

/* The page works without this: then it is the pictures, one below the other. */

const flow = JSON.parse(document.getElementById("flow").textContent);
const states = new Map(flow.states.map((state) => [state.code, state]));
const byRef = new Map(flow.states.map((state) => [state.ref, state]));
const sections = [...document.querySelectorAll("section")];
const [main, panel, body] = ["main", "panel", "body"].map((id) => document.getElementById(id));
const [search, found, ending] = ["search", "found", "ending"].map((id) => document.getElementById(id));
let zoom = 0; // 0: as wide as the window

document.body.classList.add("script");
for (const hidden of document.querySelectorAll("header [hidden]:not(#found)")) hidden.hidden = false;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// ── where ──

function shown() {
  return sections.find((section) => !section.hidden);
}

/** Opens what the address names: a chapter, a card of one, or an ending in the overview. */
function go() {
  const name = decodeURIComponent(location.hash.slice(1)) || "overview";
  const target = document.getElementById(name) ?? sections[0];
  const section = target.closest("section") ?? sections[0];
  for (const one of sections) one.hidden = one !== section;
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
  document.title = `${section.getAttribute("aria-label")} · paperless billing by telephone`;
}

function fit() {
  const picture = shown().querySelector("svg");
  const [, , wide, high] = picture.getAttribute("viewBox").split(" ").map(Number);
  const factor = zoom || Math.min(Math.max(main.clientWidth / wide, 0.7), 1.25);
  picture.style.width = `${wide * factor}px`;
  picture.style.height = `${high * factor}px`;
}

function scale(by) {
  const picture = shown().querySelector("svg");
  const now = picture.getBoundingClientRect().width / picture.viewBox.baseVal.width;
  zoom = by ? Math.min(Math.max(now * by, 0.3), 4) : 0;
  fit();
}

// ── light ──

/** Lights some parts of the picture that is shown, and fades the others; none fades nothing. */
function light(parts) {
  for (const old of document.querySelectorAll(".lit")) old.classList.remove("lit");
  for (const old of document.querySelectorAll(".dim")) old.classList.remove("dim");
  if (!parts.length) return;
  shown().querySelector("svg").classList.add("dim");
  for (const part of parts) part.classList.add("lit");
}

function cards(codes) {
  return codes.flatMap((code) => [...shown().querySelectorAll(`.state[data-state="${code}"]`)]);
}

function lightRow(row) {
  const targets = row.dataset.to.split(" ").filter(Boolean);
  const of = row.closest(".state")?.dataset.state;
  const lines = targets.flatMap((to) => [
    ...shown().querySelectorAll(`[data-from="${of}"][data-to="${to}"]`),
  ]);
  light([row, ...lines, ...cards([...(of ? [of] : []), ...targets])]);
}

function lightCard(card) {
  const code = card.dataset.state;
  const rows = [...shown().querySelectorAll(`.row[data-to~="${code}"]`)];
  const from = rows.map((row) => row.closest(".state")?.dataset.state).filter(Boolean);
  const own = [...card.querySelectorAll(".row")];
  light([...rows, ...own, ...shown().querySelectorAll(`[data-to="${code}"]:not(g)`), ...cards([code, ...from])]);
}

/** The row of a card at a height: rows have gaps between their texts. */
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
  return [`${row.key ? `${row.key}: ` : ""}${row.words}`, ...where];
}

function leading(code) {
  const inOrder = [...flow.states].sort((a, b) => a.ref.localeCompare(b.ref));
  return inOrder.flatMap((state) =>
    state.rows
      .filter((row) => row.to.includes(code))
      .map((row) => [to(state.code), `: ${row.key ? `${row.key}, ` : ""}${row.words}`]),
  );
}

function tellState(state) {
  tell(
    element("h2", {}, `${state.ref} ${state.title}`),
    `${state.purpose} `,
    element("code", {}, state.code),
    ...part("What is heard", ...state.heard.map((words) => element("blockquote", {}, words))),
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
    ...part("What is heard", ...state.heard.map((words) => element("blockquote", {}, words))),
    ...part("How a call can end so", ...list(leading(code))),
  );
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
    else if (shown() !== sections[0]) location.hash = "#overview";
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
