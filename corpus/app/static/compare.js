// Two groupings side by side, and the answers to them.

import { draw, watch } from "./canvas.js";
import { Stopwatch } from "./stopwatch.js";
import { language, say } from "./text.js";

const LOCK = 250; // ms after a drawing in which nothing is heard: a second click was meant for the question before

// by the letter's place on the keyboard, so that they work in any layout
const VERDICT_KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie", Equal: "tie", KeyS: "skip" };
const UNDO_KEYS = ["Backspace", "KeyU"];
const PAUSE_KEY = "KeyP";

const find = (id) => document.getElementById(id);

export class Comparison {
  #stage = find("compare");
  #sides = { left: find("left-plot"), right: find("right-plot") };
  #feedback = find("feedback");
  #watch = new Stopwatch();
  #shown = null; // {picture, question, expectation, onContinue}
  #openAt = Infinity; // when answers are heard again
  #opening = 0;
  #handlers;
  #showGroups = false;

  /** handlers: answer(verdict, took_ms), undo(), pause(). */
  constructor(handlers) {
    this.#handlers = handlers;
    for (const button of this.#stage.querySelectorAll("[data-verdict]")) {
      button.addEventListener("click", (event) => this.#answer(button.dataset.verdict, event));
    }
    find("undo").addEventListener("click", (event) => this.#undo(event));
    find("pause-compare").addEventListener("click", () => this.#handlers.pause());
    find("feedback-continue").addEventListener("click", (event) => {
      if (event.timeStamp >= this.#openAt) this.#continue();
    });
    watch(Object.values(this.#sides), () => this.redraw());
  }

  /** Draw a question; answers are heard a moment after it is on the screen. undoable: whether there is an answer. */
  show(picture, question, undoable) {
    this.#shown = { picture, question };
    this.#showFeedback(false);
    find("undo").setAttribute("aria-disabled", String(!undoable));
    this.relabel();
    this.redraw();
    this.#watch.hold();
    this.#lock(() => this.#watch.start());
  }

  #lock(whenDrawn) {
    this.#close();
    requestAnimationFrame(() => {
      this.#openAt = performance.now() + LOCK;
      whenDrawn();
      clearTimeout(this.#opening);
      this.#opening = setTimeout(() => this.#stage.setAttribute("aria-busy", "false"), LOCK);
    });
  }

  #close() {
    this.#openAt = Infinity;
    clearTimeout(this.#opening);
    this.#stage.setAttribute("aria-busy", "true");
  }

  redraw() {
    if (!this.#shown || this.#stage.hidden) return;
    const { picture, question } = this.#shown;
    draw(this.#sides.left, picture, question.left);
    draw(this.#sides.right, picture, question.right);
  }

  relabel() {
    if (!this.#shown) return;
    const { picture, question } = this.#shown;
    const points = picture.n.toLocaleString(language());
    for (const side of ["left", "right"]) {
      find(`${side}-about`).textContent = say("compare.picture", { points });
      const count = this.#showGroups ? picture.groups(question[side]) : 0;
      find(`${side}-groups`).textContent = count ? say("compare.groups", { count }) : "";
    }
  }

  set showGroups(shown) {
    this.#showGroups = shown;
    this.relabel();
  }

  /** Time stands still, as in a pause. */
  hold() {
    this.#watch.hold();
  }

  /** Practice: say how we see the question that was just answered, and go on when that was read. */
  explain(verdict, expected, onContinue) {
    const title = verdict === "skip" ? "skipped" : verdict === expected ? "agree" : "differ";
    find("feedback-title").textContent = say(`practice.${title}`);
    const stacked = this.#sides.left.getBoundingClientRect().bottom <= this.#sides.right.getBoundingClientRect().top;
    const side = stacked ? { left: "top", right: "bottom", tie: "tie" }[expected] : expected;
    find("feedback-text").textContent = say(`practice.${side}`);
    this.#feedback.dataset.kind = title;
    this.#shown.onContinue = onContinue;
    this.#showFeedback(true);
    find("feedback-continue").focus({ preventScroll: true });
    this.#lock(() => this.#watch.hold());
  }

  #showFeedback(shown) {
    const hadFocus = this.#feedback.contains(document.activeElement);
    this.#feedback.hidden = !shown;
    for (const id of ["answers", "others"]) find(id).inert = shown;
    if (hadFocus && !shown) this.#stage.querySelector("h1").focus({ preventScroll: true });
  }

  #continue() {
    const { onContinue } = this.#shown;
    this.#close();
    onContinue();
  }

  #answer(verdict, event) {
    // an event is as old as the press: one that waited in line while a question was drawn was not meant for it
    if (event.timeStamp < this.#openAt || !this.#feedback.hidden) return;
    const took = this.#watch.elapsed;
    this.#close();
    this.#handlers.answer(verdict, took);
  }

  #undo(event) {
    if (event.timeStamp < this.#openAt || find("undo").getAttribute("aria-disabled") === "true") return;
    this.#close();
    this.#handlers.undo();
  }

  /** A key was pressed while this stage is shown. */
  key(event) {
    const pressed = event.key === "=" ? "Equal" : event.code;
    const known = pressed in VERDICT_KEYS || UNDO_KEYS.includes(pressed) || pressed === PAUSE_KEY;
    if (!known || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    event.preventDefault();
    if (event.repeat || !this.#feedback.hidden) return;
    if (pressed === PAUSE_KEY) this.#handlers.pause();
    else if (UNDO_KEYS.includes(pressed)) this.#undo(event);
    else this.#answer(VERDICT_KEYS[pressed], event);
  }
}
