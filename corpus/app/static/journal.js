// What this device knows of one assessor's sessions: events are written here before they are sent, and stay until
// the server has said that it stores them.  One key per event, so that two tabs never overwrite each other's list.

const ROOT = "gamac-studio";

/** The browser's storage; what it forbids or has no room for is held in memory, and ends with the page. */
class Keeper {
  #held = new Map();

  keys() {
    try {
      return [...new Set([...this.#held.keys(), ...Object.keys(localStorage)])];
    } catch {
      return [...this.#held.keys()];
    }
  }

  getItem(key) {
    if (this.#held.has(key)) return this.#held.get(key);
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  setItem(key, value) {
    try {
      localStorage.setItem(key, value);
      this.#held.delete(key);
    } catch {
      this.#held.set(key, value);
    }
  }

  removeItem(key) {
    this.#held.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // where the storage is forbidden there is nothing to remove
    }
  }

  get durable() {
    return this.#held.size === 0;
  }
}

const storage = new Keeper();

/** Whether all that was written here outlives the page. */
export const durable = () => storage.durable;

/** A value kept for whoever uses this browser: settings, and who was here last. */
export const recall = (name) => JSON.parse(storage.getItem(`${ROOT}/${name}`) ?? "null");
export const remember = (name, value) => storage.setItem(`${ROOT}/${name}`, JSON.stringify(value));

export class Journal {
  #root;

  constructor(assessor) {
    this.#root = `${ROOT}/of/${encodeURIComponent(assessor)}`;
  }

  #eventKey(id, step) {
    return `${this.#root}/event/${id}/${step}`;
  }

  #viewKey(id) {
    return `${this.#root}/session/${id}`;
  }

  #draftKey(id) {
    return `${this.#root}/draft/${id}`;
  }

  /** Whether a change that another tab made to the storage concerns this session. */
  concerns(key, id) {
    return key === null || key.startsWith(`${this.#root}/event/${id}/`);
  }

  /** The sessions on this device in the order in which they are worked on, without their events. */
  sessions() {
    const prefix = `${this.#root}/session/`;
    const keys = storage.keys().filter((key) => key.startsWith(prefix));
    const views = keys.map((key) => JSON.parse(storage.getItem(key)));
    return views.sort((a, b) => Number(b.practice) - Number(a.practice) || a.number - b.number);
  }

  /** Whether a session is on this device. */
  has(id) {
    return storage.getItem(this.#viewKey(id)) !== null;
  }

  /** The events of a session, by step. */
  events(id) {
    const found = [];
    for (;;) {
      const text = storage.getItem(this.#eventKey(id, found.length));
      if (text === null) return found;
      found.push(JSON.parse(text));
    }
  }

  /** The events of a session that the server has not acknowledged. */
  unsent(id) {
    return this.events(id).filter((event) => !event.sent);
  }

  /** How many events of all sessions wait to be sent. */
  waiting() {
    return this.sessions().reduce((count, session) => count + this.unsent(session.id).length, 0);
  }

  /** Write one event down. False where another tab has taken that step. */
  append(id, event) {
    const key = this.#eventKey(id, event.step);
    if (storage.getItem(key) !== null) return false;
    storage.setItem(key, JSON.stringify({ ...event, sent: false }));
    return true;
  }

  /** Mark events as stored by the server. */
  acknowledge(id, events) {
    for (const event of events) {
      const key = this.#eventKey(id, event.step);
      const known = JSON.parse(storage.getItem(key) ?? "null");
      if (known?.client_id === event.client_id) storage.setItem(key, JSON.stringify({ ...known, sent: true }));
    }
  }

  /** Take a session with its events from the server; what was written here and does not fit is dropped.
   *
   * whole: the server's events are all there are; otherwise they may be older than what is here.
   * Returns how many unsent events were dropped.
   */
  adopt({ events, ...session }, whole = false) {
    storage.setItem(this.#viewKey(session.id), JSON.stringify(session));
    return this.adoptEvents(session.id, events, whole);
  }

  /** As `adopt`, for the events alone. */
  adoptEvents(id, events, whole) {
    const known = this.events(id);
    const differs = events.findIndex((event, step) => known[step] && known[step].client_id !== event.client_id);
    const kept = differs >= 0 ? differs : whole ? Math.min(events.length, known.length) : known.length;
    // from the end, so that a page closed halfway leaves no gap
    for (let step = known.length - 1; step >= kept; step--) storage.removeItem(this.#eventKey(id, step));
    for (const event of events) storage.setItem(this.#eventKey(id, event.step), JSON.stringify({ ...event, sent: true }));
    return known.slice(kept).filter((event) => !event.sent).length;
  }

  /** An order that is being adjusted, {answered, groups}, or null. */
  draft(id) {
    return JSON.parse(storage.getItem(this.#draftKey(id)) ?? "null");
  }

  saveDraft(id, draft) {
    storage.setItem(this.#draftKey(id), JSON.stringify(draft));
  }

  dropDraft(id) {
    storage.removeItem(this.#draftKey(id));
  }

  /** Let go of a session that is closed and wholly stored by the server. */
  forget(id) {
    storage.removeItem(this.#viewKey(id));
    this.dropDraft(id);
    for (let step = this.events(id).length - 1; step >= 0; step--) storage.removeItem(this.#eventKey(id, step));
  }
}
