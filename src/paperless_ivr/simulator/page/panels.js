/** The panels So far, Messages, Service and record, and Why. */

import { faultInWords } from "./dock.js";
import { announce, byId, clock, element, icon, show } from "./elements.js";
import { openTab } from "./layout.js";
import { act, path } from "./line.js";
import { eye } from "./reveal.js";

let all = false;
let details = false;
let latest = null;
let sent = 0;

export function startPanels() {
  byId("all").addEventListener("click", (event) => {
    all = !all;
    event.target.setAttribute("aria-expanded", String(all));
    if (latest) showPanels(latest);
  });
  byId("details").addEventListener("click", (event) => {
    details = !details;
    event.target.setAttribute("aria-expanded", String(details));
    document.querySelector(".why").classList.toggle("open", details);
    if (latest) showPanels(latest);
  });
  byId("sheet-close").addEventListener("click", closeLink);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && byId("sheet").open) closeLink();
  });
}

export function showPanels(view) {
  latest = view;
  showSoFar(view.call);
  showMessages(view.call);
  showExchanges(view);
  showWhy(view.call);
}

// ── so far ──

function showSoFar(call) {
  const list = byId("so-far");
  const entries = call?.entries ?? [];
  const last = entries.map((entry) => entry.stop !== null).lastIndexOf(true);
  const shown = [
    ...entries.map((entry, at) => ({ ...entry, now: at === last && !call.ended })),
    ...undoneEntries(call),
  ];
  if (call?.waiting) {
    const later = entries.findIndex((entry) => entry.at > call.waiting.since);
    shown.splice(later < 0 ? entries.length : later, 0, waitingEntry(call.waiting));
  }
  const before = list.children.length;
  show(list, shown.length ? shown : [{ kind: "empty" }], entryElement);
  if (list.children.length !== before) {
    const newest = list.children[Math.max(entries.length - 1, 0)];
    list.scrollTop = call?.undone ? newest.offsetTop - list.offsetTop : list.scrollHeight;
    newest?.scrollIntoView({ block: "nearest" });
  }
  const save = byId("save");
  save.hidden = !call?.ended;
  if (call?.ended) {
    save.href = path(`transcript/${call.take}`);
    save.setAttribute("download", `take-${call.take}.call`);
  }
}

/** Returns a line for the request that the service is working on. */
function waitingEntry({ since, asks, fault }) {
  const text = `Waiting for the billing service: ${asks}`;
  return { kind: fault ? "switch" : "note", at: since, text, stop: null };
}

/** Returns what came next in the previous take, as long as this take has no answer of its own. */
function undoneEntries(call) {
  if (!call?.undone) return [];
  const heading = { kind: "take", text: `What came next in take ${call.undone.take}` };
  return [heading, ...call.undone.entries.map((entry) => ({ ...entry, undone: true }))];
}

function entryElement(entry) {
  if (entry.kind === "empty")
    return element("li", { class: "empty" }, "Each prompt, key, and answer will appear here.");
  if (entry.kind === "take") return element("li", { class: "take" }, entry.text);
  const now = entry.now ? " now" : "";
  const undone = entry.undone ? " undone" : "";
  const line = element("li", { class: `entry ${entry.kind}${now}${undone}` });
  line.append(element("span", { class: "time" }, clock(entry.at)));
  if (entry.kind === "keys") {
    const caps = [...entry.text].map((key) => element("kbd", {}, key));
    line.append(element("span", { class: "what" }, "You press"));
    line.append(element("span", { class: "caps" }, ...caps, eye(entry.mask, "these keys")));
    return line;
  }
  const text = entry.text.replaceAll("e-mail", "e\u2011mail");
  line.append(element("span", { class: "what", lang: entry.language || null }, text));
  const shows = eye(entry.mask, "what is hidden here");
  if (shows) line.append(shows);
  if (entry.stop !== null && entry.stop !== undefined) {
    const name = `Back to ${clock(entry.at)}: ${entry.text.slice(0, 40)}`;
    const rewind = () => act("rewind", { stop: entry.stop });
    line.append(element("button", { class: "quiet icon", "aria-label": name, onclick: rewind }, icon("back")));
  }
  return line;
}

// ── messages ──

function showMessages(call) {
  const list = byId("messages");
  const messages = call?.messages ?? [];
  const own = messages.filter((one) => one.take === null).length;
  if (own > sent) {
    announce("status", `${messages[own - 1].kind === "text" ? "Text" : "E-mail"} arrived`);
    byId("tab-world").classList.toggle("new", document.body.dataset.tab !== "world");
  }
  sent = own;
  show(list, messages.length ? messages : [{ kind: "empty" }], messageElement);
}

function messageElement(message) {
  if (message.kind === "empty")
    return element("li", { class: "empty" }, "E-mails and texts will arrive here.");
  const says = message.kind === "text" ? "Text with a link" : "Confirm paperless billing";
  const status = message.take === null ? message.status : `Only in take ${message.take}`;
  return element(
    "li",
    { class: message.take === null ? "message" : "message other" },
    element("span", { class: "mark" }, icon(message.kind === "text" ? "text" : "mail")),
    element("span", {}, element("strong", {}, says), element("br"), `${message.to} · ${status}`),
    eye(message.mask, "this address"),
    message.number === null
      ? null
      : element("button", { class: "strong", onclick: () => openLink(message) }, "Open link"),
  );
}

/** Opens a link's page next to the telephone, while the call continues. */
function openLink(message) {
  const address = path(`messages/${message.number}`);
  byId("sheet-title").textContent = message.kind === "text" ? "Text" : "E-mail";
  byId("sheet-page").src = address;
  byId("sheet-tab").href = address;
  openTab("phone");
  document.body.classList.add("linked");
  byId("sheet").show();
}

function closeLink() {
  byId("sheet").close();
  document.body.classList.remove("linked");
}

// ── service and record ──

function showExchanges({ call, faults }) {
  const trouble = byId("world-trouble");
  const fails = [
    faults.service === "works" ? "" : `Billing service: ${faultInWords("service", faults)}`,
    faults.record === "works" ? "" : `Record: ${faultInWords("record", faults)}`,
  ].filter(Boolean);
  trouble.hidden = !fails.length;
  trouble.lastElementChild.textContent = fails.join(" · ");
  const list = byId("exchanges");
  const exchanges = call?.exchanges ?? [];
  byId("all").textContent = all ? "Fewer" : `All ${exchanges.length || ""}`.trim();
  const shown = all ? exchanges : exchanges.slice(-3);
  show(list, shown.length ? shown : [{ who: "" }], exchangeElement);
  if (!all) list.scrollTop = list.scrollHeight;
}

function exchangeElement(one) {
  if (!one.who)
    return element("li", { class: "empty" }, "Requests to the service and the record will appear here.");
  const fields = Object.entries(one.fields).flatMap(([name, value]) => [
    element("dt", {}, name.replaceAll("_", " ")),
    element("dd", {}, value),
  ]);
  const took = one.milliseconds ? `${one.milliseconds} ms` : "";
  return element(
    "li",
    { class: one.fault ? "exchange fault" : "exchange" },
    element(
      "details",
      {},
      element(
        "summary",
        {},
        element("span", { class: "time" }, clock(one.at)),
        element("span", { class: "who" }, one.who),
        element("span", { class: "what" }, one.what, " → ", element("strong", {}, one.answer || "…")),
      ),
      element("dl", {}, ...fields, element("dt", {}, "took"), element("dd", {}, took || "no time")),
      eye(one.mask, "these fields"),
    ),
  );
}

// ── why ──

function showWhy(call) {
  byId("why-sentence").textContent = call?.why.sentence ?? "The reason for each move will appear here.";
  const columns = (call?.why.columns ?? []).map((one) => ({ ...one, details }));
  show(byId("why-columns"), columns, columnElement);
}

function columnElement(one) {
  const row = (sign, name, text) =>
    element("li", { class: name }, element("span", { "aria-hidden": "true" }, sign), " ",
      element("span", { class: "away" }, name === "taken" ? "taken: " : "refused: "), text);
  const rows = one.refused.map((text) => row("✕", "refused", text));
  rows.push(row("✓", "taken", one.taken));
  if (one.untried) {
    const more = one.untried === 1 ? "1 more row, not tried" : `${one.untried} more rows, not tried`;
    rows.push(element("li", { class: "untried" }, `· ${more}`));
  }
  if (one.details) rows.push(...one.rows.map((name) => element("li", { class: "code" }, name)));
  return element("div", { class: "column" }, element("h3", {}, one.title), element("ul", {}, ...rows));
}
