/**
 * Speaks prompts one after another, with the browser's voice or in silence at 150 words a
 * minute, and keeps track of the word that is being spoken.
 */

const WORD_MS = 400; // 150 words a minute

/** Returns the words of a prompt: where each word begins, and how it is shown. */
export function words(prompt) {
  const said = prompt.parts.map((part) => part.text).join("");
  const seen = prompt.parts
    .map((part) => (part.hidden ? part.text.replace(/[\p{L}\p{N}]/gu, "•") : part.text))
    .join("");
  return [...said.matchAll(/\S+/g)].map((match) => ({
    at: match.index,
    shown: seen.slice(match.index, match.index + match[0].length),
  }));
}

export class Speaker {
  constructor(moved, done) {
    this.moved = moved;
    this.done = done;
    this.prompts = [];
    this.prompt = 0;
    this.word = 0;
    this.speaking = false;
    this.paused = false;
    this.voice = "voice";
    this.speed = 1;
    this.turn = 0;
    if ("speechSynthesis" in window) window.speechSynthesis.getVoices(); // starts loading the voices
  }

  /** Starts speaking prompts, beginning with number `start`. */
  begin(prompts, start = 0) {
    this.stop();
    this.prompts = prompts;
    this.speaking = true;
    this.paused = false;
    this.prompt = start;
    this.#prompt();
  }

  /** The number of the prompt being spoken, or null once all have been spoken. */
  get heard() {
    return this.speaking ? this.prompt : null;
  }

  /** Stops speaking, as when a key is pressed. */
  stop() {
    this.turn += 1;
    clearTimeout(this.timer);
    if ("speechSynthesis" in window) window.speechSynthesis.cancel();
    this.speaking = false;
    this.paused = false;
  }

  /** Skips the rest of the prompts, which count as heard. */
  skip() {
    if (!this.speaking) return;
    this.stop();
    this.prompt = this.prompts.length;
    this.moved();
    this.done();
  }

  /** Pauses, or resumes at the beginning of the current prompt. */
  pause() {
    if (!this.speaking) return;
    this.paused = !this.paused;
    if (this.paused) {
      this.turn += 1;
      clearTimeout(this.timer);
      if ("speechSynthesis" in window) window.speechSynthesis.cancel();
    } else {
      this.#prompt();
    }
    this.moved();
  }

  #prompt() {
    const turn = this.turn;
    this.word = 0;
    if (this.prompt >= this.prompts.length) {
      this.speaking = false;
      this.moved();
      this.done();
      return;
    }
    const prompt = this.prompts[this.prompt];
    const spoken = words(prompt);
    const next = () => {
      if (turn !== this.turn) return;
      this.prompt += 1;
      this.#prompt();
    };
    this.moved();
    const voice = this.voice === "voice" ? voiceFor(prompt.language) : null;
    if (voice) this.#say(prompt, spoken, voice, turn, next);
    else this.#count(spoken, turn, next);
  }

  #say(prompt, spoken, voice, turn, next) {
    const utterance = new SpeechSynthesisUtterance(prompt.parts.map((p) => p.text).join(""));
    utterance.voice = voice;
    utterance.lang = prompt.language;
    utterance.rate = this.speed;
    utterance.onboundary = (event) => {
      if (turn !== this.turn) return;
      const before = spoken.filter((word) => word.at <= event.charIndex).length;
      this.word = Math.max(before - 1, 0);
      this.moved();
    };
    utterance.onend = next;
    utterance.onerror = () => {
      if (turn === this.turn) this.#count(spoken, turn, next);
    };
    window.speechSynthesis.speak(utterance);
  }

  #count(spoken, turn, next) {
    this.timer = setTimeout(() => {
      if (turn !== this.turn) return;
      this.word += 1;
      if (this.word >= spoken.length) next();
      else {
        this.moved();
        this.#count(spoken, turn, next);
      }
    }, WORD_MS / this.speed);
  }
}

/** Returns the browser's voice for a language, or null if it has none. */
export function voiceFor(language) {
  if (!("speechSynthesis" in window)) return null;
  const all = window.speechSynthesis.getVoices();
  const near = (voice) => voice.lang.replace("_", "-").slice(0, 2) === language.slice(0, 2);
  return all.find((voice) => voice.lang === language) ?? all.find(near) ?? null;
}
