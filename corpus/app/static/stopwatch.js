// Time that the person really had something in front of them: hidden pages and pauses do not count.

export class Stopwatch {
  #spent = 0;
  #since = null;
  #running = false;

  constructor() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#stop();
      else if (this.#running) this.#since ??= performance.now();
    });
  }

  #stop() {
    if (this.#since !== null) this.#spent += performance.now() - this.#since;
    this.#since = null;
  }

  /** Begin at zero. */
  start() {
    this.#spent = 0;
    this.resume();
  }

  hold() {
    this.#stop();
    this.#running = false;
  }

  resume() {
    this.#stop();
    this.#running = true;
    if (!document.hidden) this.#since = performance.now();
  }

  /** Milliseconds so far, a whole number. */
  get elapsed() {
    return Math.round(this.#spent + (this.#since === null ? 0 : performance.now() - this.#since));
  }
}
