/** The telephone: its screen, the words being spoken, keys, silence, and hanging up. */

import { announce, byId, clock, element, icon, setIcon, show } from "./elements.js";
import { flash, makeKeypad, showKeys } from "./keypad.js";
import { act } from "./line.js";
import { eye } from "./reveal.js";
import { keepWhoSpeaks, startSettings } from "./settings.js";
import { Speaker, voiceFor, words } from "./speaker.js";

const LONGEST_NUMBER = 20;
const LONG_TEXT = 190;
let view = null;
let received = 0;
let begun = 0;
let silence = null;
const spoken = byId("spoken");
const speaker = new Speaker(mark, finished);

/** Creates the keys, and listens to the buttons. */
export function startPhone() {
  makeKeypad(press);
  byId("call").addEventListener("click", callOrHangUp);
  byId("silent").addEventListener("click", staySilent);
  byId("pause").addEventListener("click", () => speaker.pause());
  byId("skip").addEventListener("click", () => speaker.skip());
  byId("again").addEventListener("click", hearAgain);
  byId("type-keys").addEventListener("input", (event) => {
    const typed = event.target.value;
    event.target.value = "";
    for (const key of typed) if ("0123456789*#".includes(key)) press(key);
  });
  for (const button of byId("persons").children)
    button.addEventListener("click", () => act("transfer", { result: button.dataset.result }));
  startSettings(use);
  setInterval(tick, 250);
}

/** Applies the telephone's settings. */
function use() {
  speaker.voice = byId("who-speaks").value;
  speaker.speed = Number(byId("speed").value);
  if (view) mark();
}

// ── actions ──

/** Presses a key. As on a telephone, this interrupts what is being spoken. */
export function press(key) {
  const call = view?.call;
  if (!call || call.ended) return;
  const speech = call.speech;
  const heard = speech?.number === begun ? speaker.heard : null;
  flash(key);
  clearTimeout(silence);
  if (asks(call)) {
    if (speaker.speaking) {
      speaker.stop();
      mark();
    }
    if (speech.most > 1) waitForNext(speech);
  }
  act("key", { key, speech: speech?.number ?? 0, heard });
  announce("keys", keyInWords(key, speech));
}

/** Calls, calls again, or hangs up, depending on the label of the button. */
export function callOrHangUp() {
  if (inCall()) hangUp();
  else callNow();
}

export async function callNow() {
  keepWhoSpeaks();
  speaker.stop();
  const problem = await act("call");
  if (problem) announce("alert", problem);
}

export function hangUp() {
  if (!inCall()) return;
  speaker.stop();
  act("hang_up");
}

/** Stays silent, as if the time for a key had run out. */
export function staySilent() {
  const call = view?.call;
  if (!call || !asks(call)) return;
  speaker.skip();
  act("key", { key: "", speech: call.speech.number, heard: null });
}

export const pause = () => speaker.pause();
export const skip = () => speaker.skip();

function hearAgain() {
  const speech = view?.call?.speech;
  if (speech) speaker.begin(speech.prompts, 0);
}

const inCall = () => Boolean(view?.call && !view.call.ended && !view.call.gone);
const asks = (call) => Boolean(call.speech?.current && call.speech.waits === "keys" && !call.ended);

function keyInWords(key, speech) {
  if (speech?.private) {
    const keyed = view.call.entry.keys + 1;
    return speech.most > 1 ? `digit, ${keyed} of ${speech.most}` : "digit";
  }
  const means = speech?.keys?.[key]?.label;
  return means ? `${key}, ${means}.` : key;
}

// ── display ──

/** Shows the telephone as it is now. */
export function showPhone(now) {
  view = now;
  received = performance.now();
  const call = view.call;
  const biller = view.choices.policy.find(([name]) => name === view.scenario.policy);
  byId("biller").textContent = biller ? biller[1] : "Telephone";
  byId("idle").hidden = Boolean(call);
  spoken.hidden = !call || Boolean(call.ended && !speaker.speaking && !call.speech);
  byId("screen-foot").hidden = !call;
  byId("persons").hidden = call?.speech?.waits !== "person" || !call.speech.current;
  byId("keypad").hidden = !byId("persons").hidden;
  const speech = call?.speech;
  if (speech) showSpeech(speech);
  showEnded(call);
  const button = byId("call");
  byId("call-does").textContent = inCall() ? "Hang up" : call ? "Call again" : "Call";
  setIcon(button, inCall() ? "hang-up" : "phone");
  button.classList.toggle("hang-up", inCall());
  byId("silent").disabled = !call || !asks(call);
  const typed = byId("type-keys");
  typed.type = speech?.private ? "password" : "text";
  mark();
  tick();
}

function showSpeech(speech) {
  const key = JSON.stringify(speech.prompts);
  if (spoken.dataset.key !== key || spoken.dataset.number !== String(speech.number)) {
    spoken.dataset.key = key;
    spoken.dataset.number = String(speech.number);
    spoken.replaceChildren(...speech.prompts.map(promptElement));
    spoken.classList.toggle("long", spoken.textContent.length > LONG_TEXT);
  }
  if (speech.number <= begun) return;
  begun = speech.number;
  clearTimeout(silence);
  speaker.begin(speech.prompts, speech.start);
  if (byId("who-speaks").value === "reader")
    announce("line", speech.prompts.map((one) => words(one).map((w) => w.shown).join(" ")).join(" "));
}

function promptElement(prompt) {
  const made = element("span", {
    class: prompt.must_hear ? "prompt must" : "prompt",
    lang: prompt.language,
  });
  words(prompt).forEach((word) => {
    made.append(element("span", { class: "word" }, word.shown), " ");
  });
  return made;
}

/** Marks the words heard and the word being spoken, and shows what the keys mean now. */
function mark() {
  const call = view?.call;
  const speech = call?.speech;
  if (!speech) {
    showKeys({}, null, true);
    showHint("", "");
    byId("before").replaceChildren();
    byId("entry-line").hidden = true;
    return;
  }
  const now = speech.number === begun && speaker.speaking;
  [...spoken.children].forEach((prompt, at) => {
    const said = !now || at < speaker.prompt;
    [...prompt.children].forEach((word, n) => {
      const current = now && at === speaker.prompt && n === speaker.word;
      word.classList.toggle("said", said || (at === speaker.prompt && n < speaker.word));
      word.classList.toggle("now", current);
      if (current) keepVisible(word);
    });
  });
  spoken.classList.toggle("dim", Boolean(call.waiting) && !now);
  const asked = asks(call);
  const locked = asked ? lockedAt(speech, now) : null;
  showKeys(asked ? speech.keys : {}, locked, byId("hints").checked);
  showHint(hintOf(call, locked), locked !== null ? "lock" : asked ? "" : "dots");
  show(byId("before"), earlier(call), earlierElement);
  showEntry(call);
  showFoot(call, now);
}

/** Returns what was said and pressed since the last question, while the call awaits the service. */
function earlier({ speech, entries, ended }) {
  if (speech.waits !== "answer" || ended) return [];
  const lines = entries.filter((entry) => entry.kind === "said" || entry.kind === "keys");
  const question = lines.findLastIndex((line) => line.stop !== null);
  const present = lines.findLastIndex((line) => line.kind === "said");
  return question < 0 ? [] : lines.slice(question, present);
}

/** Creates the element of an earlier line, with only the last sentence of a question. */
function earlierElement({ kind, text, language, stop }) {
  if (kind === "keys")
    return element("p", {}, ...[...text].map((key) => element("kbd", {}, key)));
  const sentences = text.match(/[^.?!]+[.?!]*/g);
  const shown = stop === null || sentences.length < 2 ? text : `… ${sentences.at(-1).trim()}`;
  return element("p", { lang: language }, shown);
}

/** Returns the share of the must-hear words heard so far, or null once a yes counts. */
function lockedAt(speech, now) {
  const last = speech.prompts.map((one) => one.must_hear).lastIndexOf(true);
  if (last < 0 || !now || speaker.prompt > last) return null;
  return (speaker.prompt + speaker.word / words(speech.prompts[speaker.prompt]).length) / (last + 1);
}

function showHint(says, sign) {
  byId("hint").textContent = says;
  byId("hint-icon").toggleAttribute("hidden", !says || !sign);
  if (sign) setIcon(byId("hint-icon").parentElement, sign);
}

function hintOf(call, locked) {
  const speech = call.speech;
  if (call.ended) return "The call is back with the host.";
  if (call.gone) return "Hung up. A request in progress is being completed.";
  if (locked !== null && Object.values(speech.keys).some((one) => one.consent))
    return "Yes counts after the underlined words.";
  if (!asks(call)) return speech.waits === "person" ? "Ringing an agent." : "Nothing to press now.";
  if (speech.most <= 1 || speech.most > LONGEST_NUMBER || call.entry.keys) return "";
  return `Your account number is ${view.yours.account}, your phone number ${view.yours.phone}.`;
}

/** Shows the keys entered so far, as the flow reads them, and an eye button that reveals them. */
function showEntry(call) {
  const { most } = call.speech;
  const { keys, shown, mask } = call.entry;
  const has = asks(call) && most > 1 && keys > 0;
  byId("entry-line").hidden = !has;
  const count = most > LONGEST_NUMBER ? `${keys} keyed` : `${keys} of ${most}`;
  byId("entry").textContent = has ? `So far: ${[...shown].join(" ")} · ${count}` : "";
  show(byId("entry-eye"), has && mask ? [mask] : [], (one) => eye(one, "what is keyed"));
}

function showFoot(call, now) {
  const speech = call.speech;
  const started = speech.number === begun;
  byId("bars").classList.toggle("on", now && !speaker.paused);
  byId("pause").hidden = byId("skip").hidden = !now;
  byId("pause").setAttribute("aria-label", speaker.paused ? "Resume" : "Pause");
  setIcon(byId("pause"), speaker.paused ? "play" : "pause");
  byId("again").hidden = now || call.ended || call.waiting || !started || !speech.prompts.length;
  byId("budget").hidden = !call.waiting;
  let says = "";
  if (call.waiting) says = waitingInWords(call);
  else if (now) says = speaker.paused ? "Paused" : "Speaking";
  else if (call.ended) says = "Ended";
  else if (asks(call)) says = "Waiting for you";
  const silent = now && speaker.voice === "voice" && !voiceFor(speech.prompts[0]?.language ?? "en");
  byId("speaking").textContent = silent && says === "Speaking" ? "No voice; continuing silently" : says;
}

function waitingInWords(call) {
  const waited = Math.max(0, seconds() - call.waiting.since);
  byId("budget").value = Math.min(1, waited / call.waiting.budget);
  return `Waiting for the billing service, ${Math.floor(waited)} s of ${call.waiting.budget}`;
}

function showEnded(call) {
  const box = byId("ended");
  box.hidden = !call?.ended;
  if (box.hidden || box.dataset.key === JSON.stringify(call.ended)) return;
  box.dataset.key = JSON.stringify(call.ended);
  const rows = Object.entries(call.ended.handback).flatMap(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, String(value).replaceAll("_", " ")),
  ]);
  box.replaceChildren(
    element("p", { class: "big" }, call.ended.title),
    element("p", {}, call.ended.meaning),
    element("dl", {}, ...rows),
  );
}

function keepVisible(word) {
  const top = word.offsetTop - spoken.offsetTop;
  if (top < spoken.scrollTop || top > spoken.scrollTop + spoken.clientHeight - 32)
    spoken.scrollTop = Math.max(0, top - spoken.clientHeight / 2);
}

// ── time ──

const seconds = () => view.call.at + (performance.now() - received) / 1000;

function tick() {
  const call = view?.call;
  const caller = view?.choices.caller.find(([handle]) => handle === view.scenario.caller)?.[1];
  const where = !call ? "Not in a call" : call.ended ? "Ended" : "On the line";
  const time = call && !call.ended ? ` · ${clock(seconds())}` : "";
  byId("on-the-line").textContent = `${caller ? `${caller} · ` : ""}${where}${time}`;
  if (call?.waiting) byId("speaking").textContent = waitingInWords(call);
}

/** Runs when everything has been spoken: a request is sent, or a question waits for keys. */
function finished() {
  const call = view?.call;
  const speech = call?.speech;
  if (!speech || speech.number !== begun) return;
  if (speech.waits === "answer") act("spoken", { speech: speech.number });
  if (asks(call)) {
    spoken.scrollTop = spoken.scrollHeight;
    announce("status", statusOf(call));
    if (byId("clock").value === "real" || onlyWaits(call)) startSilence(speech.first_wait);
  }
  mark();
}

/** Returns whether the call asks nothing and only waits for the texted link to be opened. */
const onlyWaits = (call) => call.state.code === "LINK_WAIT";

function statusOf(call) {
  const keys = Object.entries(call.speech.keys).filter(([, means]) => !means.shared);
  const told = keys.map(([key, means]) => `${key} ${means.label}`).join(", ");
  return told ? `${call.state.title}. ${told}.` : call.state.title;
}

function waitForNext(speech) {
  if (byId("clock").value === "real") startSilence(speech.next_wait);
}

function startSilence(after) {
  clearTimeout(silence);
  silence = setTimeout(staySilent, after * 1000);
}
