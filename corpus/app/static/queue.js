// Sends what the journal holds, in order, until the server has acknowledged it.

import { Offline, Refused, request } from "./api.js";

const BATCH = 100;
const FIRST_WAIT = 1000; // ms after the first failure; doubles up to the longest
const LONGEST_WAIT = 10000;

export class Sender {
  #journal;
  #listener;
  #running = false;
  #wake = null;
  #again = false;
  #told = false; // that something was refused
  offline = false;

  /** listener: {changed(), conflict(id), refused(), over()} */
  constructor(journal, listener) {
    this.#journal = journal;
    this.#listener = listener;
    window.addEventListener("online", () => this.kick());
  }

  /** There may be something to send. */
  kick() {
    this.#again = true;
    this.#wake?.();
    if (!this.#running) this.#run();
  }

  /** Send what there is now. A session that is refused is in no other's way; its refusal is thrown at the end. */
  async flush() {
    let refusal = null;
    for (const session of this.#journal.sessions()) {
      try {
        await this.#sendAll(session.id);
      } catch (error) {
        if (!(error instanceof Refused) || error.passing || error.status === 401) throw error;
        refusal ??= error;
      }
    }
    if (refusal) throw refusal;
  }

  async #sendAll(id) {
    let events = this.#journal.unsent(id).slice(0, BATCH);
    while (events.length) {
      await this.#send(id, events);
      events = this.#journal.unsent(id).slice(0, BATCH);
    }
  }

  async #send(id, events) {
    const body = { events: events.map(({ sent, ...event }) => event) };
    try {
      await request("POST", `/api/sessions/${id}/events`, body);
      this.#journal.acknowledge(id, events);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 409 || !Array.isArray(error.body.events)) throw error;
      if (this.#journal.adoptEvents(id, error.body.events, true)) this.#listener.conflict(id);
    }
    this.offline = false;
    this.#listener.changed();
  }

  async #run() {
    this.#running = true;
    let wait = FIRST_WAIT;
    while (this.#again) {
      this.#again = false;
      try {
        await this.flush();
        wait = FIRST_WAIT;
        this.#told = false;
      } catch (error) {
        if (!(error instanceof Offline || error instanceof Refused)) throw error;
        if (error.status === 401) {
          this.#running = false;
          this.#listener.over();
          return;
        }
        this.offline = error instanceof Offline;
        // it is tried again all the same: a reload or a repair may help, and nothing is thrown away
        if (error instanceof Refused && !error.passing && !this.#told) {
          this.#told = true;
          this.#listener.refused();
        }
        this.#listener.changed();
        // where the server names a time, a new answer does not cut it short
        if (error.wait) await new Promise((resolve) => setTimeout(resolve, error.wait * 1000));
        else await this.#sleep(wait * (0.75 + Math.random() / 2));
        wait = Math.min(2 * wait, LONGEST_WAIT);
        this.#again = true;
      }
      this.#listener.changed();
    }
    this.#running = false;
  }

  #sleep(duration) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, duration);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    }).finally(() => {
      this.#wake = null;
    });
  }
}
