// The last screen of a data set: all groupings in their order, to be moved.

import { draw, watch } from "./canvas.js";
import { draggable } from "./drag.js";
import { better, indexOf, join, put, ranksOf, split, worse } from "./order.js";
import { say } from "./text.js";

const THUMB_POINTS = 15000; // drawn in a thumbnail: more would not be seen
const GLIDE = 160; // ms that a card takes to its new place
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const KEYS = { ArrowUp: better, ArrowLeft: better, ArrowDown: worse, ArrowRight: worse, "=": join };

const nameOf = (item) => LETTERS[item] ?? String(item + 1);

function element(tag, className, parts = []) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...parts);
  return made;
}

export class Arrangement {
  #list = document.getElementById("places");
  #tools = Object.fromEntries(["up", "down", "join", "split"].map((id) => [id, document.getElementById(id)]));
  #cards = [];
  #picture = null;
  #chosen = null;
  #changed;
  #announce;
  #unwatch = () => {};
  groups = [];

  /** changed(groups): the person moved something. announce(text): tell a screen reader. */
  constructor({ changed, announce }) {
    this.#changed = changed;
    this.#announce = announce;
    const steps = { up: better, down: worse, join, split };
    for (const [id, step] of Object.entries(steps)) {
      this.#tools[id].addEventListener("click", () => {
        if (this.#chosen !== null) this.#move(step(this.groups, this.#chosen), this.#chosen);
      });
    }
  }

  /** Show the items of a picture in an order. */
  show(picture, groups) {
    this.groups = groups;
    this.#picture = picture;
    this.#chosen = null;
    this.#unwatch();
    this.#cards = [...groups.flat()].sort((a, b) => a - b).map((item) => this.#card(item));
    this.#lay();
    this.#unwatch = watch(this.#cards.map((card) => card.canvas), () => this.redraw());
    this.redraw();
  }

  redraw() {
    for (const { canvas, item } of this.#cards) draw(canvas, this.#picture, item, THUMB_POINTS);
  }

  /** The texts anew, after the language was changed. */
  relabel() {
    if (!this.#cards.length) return;
    const places = this.groups.flat().length;
    const ranks = ranksOf(this.groups);
    for (const { item, button, grip } of this.#cards) {
      const tied = this.groups[indexOf(this.groups, item)].length > 1;
      const values = { name: nameOf(item), place: ranks[item], places };
      button.setAttribute("aria-label", say(tied ? "arrange.card_tied" : "arrange.card", values));
      grip.title = say("arrange.grip");
    }
    for (const label of this.#list.querySelectorAll(".equal")) label.textContent = say("arrange.equal");
    for (const label of this.#list.querySelectorAll(".best")) label.textContent = say("arrange.best");
    for (const label of this.#list.querySelectorAll(".worst")) label.textContent = say("arrange.worst");
  }

  #card(item) {
    const canvas = element("canvas", "thumb");
    const button = element("button", "take", [canvas]);
    button.type = "button";
    const grip = element("span", "grip");
    grip.setAttribute("aria-hidden", "true");
    const box = element("div", "card-box", [button, grip]);
    button.addEventListener("click", () => this.#choose(item));
    button.addEventListener("focus", () => this.#choose(item));
    button.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.#move(step(this.groups, item), item);
    });
    draggable(box, grip, this.#list, (index, where) => this.#move(put(this.groups, item, index, where), item));
    return { item, canvas, button, grip, box };
  }

  #choose(item) {
    this.#chosen = item;
    this.#mark();
  }

  #mark() {
    for (const { item, button, box } of this.#cards) {
      button.setAttribute("aria-pressed", String(item === this.#chosen));
      box.classList.toggle("chosen", item === this.#chosen);
    }
    const at = this.#chosen === null ? -1 : indexOf(this.groups, this.#chosen);
    const tied = at >= 0 && this.groups[at].length > 1;
    const able = {
      up: at > 0 || tied,
      down: (at >= 0 && at < this.groups.length - 1) || tied,
      join: at > 0,
      split: tied,
    };
    // not "disabled": a button that has the focus must not lose it
    for (const [id, can] of Object.entries(able)) this.#tools[id].setAttribute("aria-disabled", String(!can));
  }

  #move(groups, item) {
    if (JSON.stringify(groups) === JSON.stringify(this.groups)) return;
    const focused = document.activeElement;
    const before = new Map(this.#cards.map(({ box }) => [box, box.getBoundingClientRect()]));
    this.groups = groups;
    this.#chosen = item;
    this.#lay();
    if (this.#list.contains(focused)) focused.focus({ preventScroll: true });
    this.#glide(before);
    this.#cards[item].box.scrollIntoView({ block: "nearest" });
    this.#announce(this.#cards[item].button.getAttribute("aria-label"));
    this.#changed(groups);
  }

  #glide(before) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const [box, from] of before) {
      const to = box.getBoundingClientRect();
      const [x, y] = [from.left - to.left, from.top - to.top];
      if (x || y) box.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], GLIDE);
    }
  }

  #lay() {
    let before = 0;
    const places = this.groups.map((group, index) => {
      const cards = group.map((item) => this.#cards[item].box);
      const first = before + 1;
      before += group.length;
      const number = element("span", "number", [group.length > 1 ? `${first}–${before}` : String(first)]);
      number.setAttribute("aria-hidden", "true");
      const head = element("div", "place-head", [number]);
      if (index === 0) head.append(element("span", "best"));
      if (index === this.groups.length - 1 && index > 0) head.append(element("span", "worst"));
      if (group.length > 1) head.append(element("span", "equal"));
      return element("li", group.length > 1 ? "place tied" : "place", [head, element("div", "cards", cards)]);
    });
    this.#list.replaceChildren(...places);
    this.relabel();
    this.#mark();
  }
}
