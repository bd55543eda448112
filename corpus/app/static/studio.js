// The assessors' page: which stage is shown, and what happens between them.

import { Offline, Refused, request } from "./api.js";
import { Arrangement } from "./arrange.js";
import { minutesFor, paceOf, showProgress, showStatus } from "./bar.js";
import { Comparison } from "./compare.js";
import { durable, Journal, recall, remember } from "./journal.js";
import { groupsOf, ranksOf } from "./order.js";
import { discard, picture } from "./pictures.js";
import { replay } from "./protocol.js";
import { Sender } from "./queue.js";
import { offerSettings, settings, useLanguage } from "./settings.js";
import { Stopwatch } from "./stopwatch.js";
import { say } from "./text.js";

const STAGES = ["loading", "welcome", "ready", "compare", "arrange", "pause", "done", "all", "wait", "over", "trouble"];
const LONGEST = 7 * 24 * 3600 * 1000; // ms that the server takes for an answer
const RETRY = 5000; // ms between tries while there is nothing to work on
const SLOW = 300; // ms after which the person is told that something is loading

const find = (id) => document.getElementById(id);

let me = null;
let journal = null;
let sender = null;
let current = null; // the session that is worked on: {session, picture, state, steps, last, ahead}
let stage = "loading";
let beforePause = null;
let retrying = 0;

const arranging = new Stopwatch();
const comparison = new Comparison({ answer, undo, pause });
const arrangement = new Arrangement({
  changed: (groups) => journal.saveDraft(current.session.id, { answered: current.state.answered, groups }),
  announce,
});

function announce(text) {
  find("live").textContent = text;
}

function toast(key) {
  find("toast-text").textContent = say(key);
  find("toast").hidden = false;
}

/** Bring one stage to the screen; the focus goes to its heading, except from question to question. */
function go(name) {
  clearTimeout(retrying);
  const same = stage === name;
  stage = name;
  for (const id of STAGES) find(id).hidden = id !== name;
  document.body.dataset.stage = name;
  if (name !== "compare") comparison.hold();
  if (name !== "arrange") arranging.hold();
  if (!same) {
    window.scrollTo(0, 0);
    find(name).querySelector("h1")?.focus({ preventScroll: true });
  }
  fillBar();
}

const pace = () => paceOf(journal.events(current.session.id), me.seconds_per_answer);

function fillBar() {
  if (stage === "all" || !current?.state) showProgress();
  else showProgress(current, pace());
}

function fillStatus() {
  const count = journal?.waiting() ?? 0;
  showStatus(count, Boolean(sender?.offline) || !navigator.onLine);
  find("pause-waiting").hidden = !count;
  find("all-text").textContent = say(count ? "all.sending" : "all.text");
  if (!durable() && count) toast("status.fragile");
}

function fillTexts() {
  fillBar();
  fillStatus();
  comparison.relabel();
  arrangement.relabel();
  if (!current?.state) return;
  const { session, state } = current;
  const place = { number: session.number, quota: session.quota };
  find("ready-title").textContent = say("ready.title", place);
  const minutes = minutesFor(state.expected, pace());
  find("ready-text").textContent = say("ready.text", { expected: state.expected, minutes });
  const done = session.practice ? "done.practice" : state.stage === "declined" ? "done.declined" : "done.text";
  find("done-text").textContent = say(done, place);
  const sets = session.practice ? session.quota : session.quota - session.number;
  find("done-left").textContent = sets > 0 ? say("done.left", { minutes: sets * minutes }) : "";
}

// ---- one session ----

function load(id) {
  const events = journal.events(id);
  return { state: replay(current.session.plan, events), steps: events.length, last: events.at(-1)?.client_id };
}

async function enter(session, started) {
  current = { session, picture: await picture(session.id) };
  Object.assign(current, load(session.id));
  fillTexts();
  if (current.steps || started) render();
  else go(session.practice ? "welcome" : "ready");
}

/** Show the stage that the present session is in. */
function render() {
  Object.assign(current, load(current.session.id));
  const { state, session } = current;
  fillTexts();
  // not at once: who gives up early should not have opened the next one
  if (!current.ahead && 2 * state.answered >= state.expected) prefetch();
  if (state.stage === "compare") {
    find("decline").hidden = session.practice;
    find("leave-practice").hidden = !session.practice;
    go("compare");
    const undoable = state.answered > 0;
    comparison.show(current.picture, state.question, undoable);
    announce(say("compare.announce", { done: state.answered + 1, expected: state.expected }));
  } else if (state.stage === "arrange") {
    go("arrange");
    arrangement.show(current.picture, draftFor(session.id) ?? groupsOf(state.ranks));
    arranging.start();
  } else {
    go("done");
  }
}

function draftFor(id) {
  const draft = journal.draft(id);
  // one that was made before an undo is of another order
  return draft?.answered === current.state.answered ? draft.groups : null;
}

/** Another tab or device may have gone on: show what there is now. */
function refresh() {
  if (!current) return;
  const { session, steps, last } = current;
  if (!journal.has(session.id)) {
    proceed();
    return;
  }
  const events = journal.events(session.id);
  if (events.length === steps && events.at(-1)?.client_id === last) return;
  if (stage === "pause") Object.assign(current, load(session.id));
  else render();
}

function act(kind, body, took) {
  const { session, steps } = current;
  const events = journal.events(session.id);
  if (events.length !== steps) {
    refresh();
    return false;
  }
  const event = {
    client_id: identifier(),
    step: steps,
    kind,
    body,
    took_ms: took === null ? null : Math.min(took, LONGEST),
    at: timestamp(),
  };
  replay(session.plan, [...events, event]); // throws rather than store what does not fit
  if (!journal.append(session.id, event)) {
    refresh();
    return false;
  }
  sender.kick();
  return true;
}

/** What the clock of this device says; null where it is so wrong that its year has more than four digits. */
function timestamp() {
  const text = new Date().toISOString();
  return /^\d{4}-/.test(text) ? text : null;
}

/** A random UUID; crypto.randomUUID is missing where a page is served without encryption. */
function identifier() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  random[6] = (random[6] & 0x0f) | 0x40;
  random[8] = (random[8] & 0x3f) | 0x80;
  const hex = [...random].map((value) => value.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function answer(verdict, took) {
  const { session, state } = current;
  const { left, right } = state.question;
  if (!act("answer", { left, right, verdict }, took)) return;
  if (!session.practice_ranks) {
    render();
    return;
  }
  Object.assign(current, load(session.id));
  fillBar();
  // the picture with labels dealt at random has no rank: nothing is worse
  const rank = (item) => session.practice_ranks[item] ?? Infinity;
  const expected = rank(left) === rank(right) ? "tie" : rank(left) < rank(right) ? "left" : "right";
  comparison.explain(verdict, expected, render);
}

function undo() {
  if (!act("undo", {}, null)) return;
  render();
  announce(say("compare.undone"));
}

function decline() {
  if (stage === "compare" && act("decline", {}, null)) render();
}

function pause() {
  beforePause = stage;
  go("pause");
  sender.kick();
}

function resume() {
  if (beforePause === "arrange" && current.state.stage === "arrange") {
    go("arrange");
    arrangement.redraw();
    arranging.resume();
  } else {
    render();
  }
}

// ---- from session to session ----

/** Whether trying again later may help. */
const passes = (error) => error instanceof Offline || (error instanceof Refused && error.passing);

/** Whether the server, not the page, is to blame. */
const expectable = (error) => error instanceof Offline || error instanceof Refused;

/** The stage of a session on this device; null where another version of the page left what this one cannot read. */
function stageOf(session) {
  try {
    return replay(session.plan, journal.events(session.id)).stage;
  } catch {
    return null;
  }
}

const open = (session) => ["compare", "arrange"].includes(stageOf(session));
const closed = (session) => ["finished", "declined"].includes(stageOf(session));

/** The session to work on: the server's choice, or one that is on this device. null where there is none left. */
async function choose() {
  const local = journal.sessions().find(open);
  if (local && (sender.offline || !navigator.onLine)) return local;
  try {
    await sender.flush().catch((error) => {
      // the sender says what is refused, and goes on trying
      if (!(error instanceof Refused) || error.passing || error.status === 401) throw error;
    });
    const { session } = await request("POST", "/api/sessions", {});
    sender.offline = false;
    if (session && journal.adopt(session)) toast("conflict");
    return session;
  } catch (error) {
    sender.offline = error instanceof Offline;
    if (passes(error) && local) return local;
    throw error;
  }
}

/** Let go of what is closed and stored by the server. */
function clear() {
  for (const session of journal.sessions()) {
    if (session.id === current?.session.id || !closed(session) || journal.unsent(session.id).length) continue;
    journal.forget(session.id);
    discard(session.id);
  }
}

async function proceed(started = false) {
  const slow = setTimeout(() => go("loading"), SLOW);
  try {
    const session = await choose();
    if (session) {
      await enter(session, started);
    } else {
      current = null;
      go("all");
    }
    clear();
    fillStatus();
  } catch (error) {
    failed(error, () => proceed(started));
  } finally {
    clearTimeout(slow);
  }
}

/** Nothing to work on: wait and try again, or say that it is over. */
function failed(error, again) {
  if (passes(error)) {
    go("wait");
    retrying = setTimeout(again, RETRY);
    find("retry").onclick = again;
  } else if (error instanceof Refused && error.status === 401) {
    over();
  } else {
    go("trouble");
    throw error;
  }
}

function over() {
  const count = journal?.waiting() ?? 0;
  find("over-waiting").hidden = !count;
  find("over-waiting").textContent = say("over.waiting", { count });
  go("over");
}

/** Load the next data set while the present one is worked on. */
async function prefetch() {
  const now = current;
  now.ahead = true;
  try {
    const { session } = await request("POST", "/api/sessions", { after: now.session.id });
    if (!session) return;
    journal.adopt(session);
    await picture(session.id);
  } catch (error) {
    now.ahead = false;
    if (!expectable(error)) throw error;
  }
}

/** Ask the server what other devices did. */
async function catchUp() {
  if (!current) return;
  try {
    const { session } = await request("GET", `/api/sessions/${current.session.id}`);
    sender.offline = false;
    if (journal.adopt(session)) toast("conflict");
    refresh();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) over();
    else if (!expectable(error)) throw error;
  }
  fillStatus();
}

async function identify() {
  // people share browsers: who was here last need not be who the page was made for
  const { content } = document.querySelector('meta[name="assessor"]');
  try {
    me = await request("GET", "/api/me");
    remember("me", me);
  } catch (error) {
    me = recall("me");
    if (me?.assessor !== content) throw error;
    journal = new Journal(me.assessor);
    if (!passes(error)) throw error;
  }
  if (me.assessor !== content) throw new Error("this page was made for somebody else");
}

async function begin() {
  try {
    await identify();
  } catch (error) {
    failed(error, begin);
    return;
  }
  useLanguage(me.language);
  journal = new Journal(me.assessor);
  sender = new Sender(journal, {
    changed: fillStatus,
    conflict(id) {
      toast("conflict");
      if (id === current?.session.id) refresh();
    },
    refused: () => toast("trouble.text"),
    over,
  });
  sender.kick();
  await proceed();
}

// ---- what the person does ----

find("start-practice").addEventListener("click", render);
find("start").addEventListener("click", render);
find("next").addEventListener("click", () => proceed(true));
find("resume").addEventListener("click", resume);
find("pause-arrange").addEventListener("click", pause);
find("back").addEventListener("click", undo);
find("restore").addEventListener("click", () => {
  journal.dropDraft(current.session.id);
  arrangement.show(current.picture, groupsOf(current.state.ranks));
});
find("confirm").addEventListener("click", () => {
  if (stage !== "arrange") return;
  if (!act("finish", { ranks: ranksOf(arrangement.groups) }, arranging.elapsed)) return;
  journal.dropDraft(current.session.id);
  render();
});
find("reload").addEventListener("click", () => location.reload());
find("toast-close").addEventListener("click", () => {
  find("toast").hidden = true;
});

find("decline").addEventListener("click", () => find("decline-dialog").showModal());
find("decline-no").addEventListener("click", () => find("decline-dialog").close());
find("decline-yes").addEventListener("click", () => {
  find("decline-dialog").close();
  decline();
});
find("leave-practice").addEventListener("click", decline);

document.addEventListener("keydown", (event) => {
  if (stage === "compare" && settings.keys && !document.querySelector("dialog[open]")) comparison.key(event);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  sender?.kick();
  catchUp();
});
window.addEventListener("online", () => {
  fillStatus();
  if (stage === "wait") find("retry").click();
  else catchUp();
});
window.addEventListener("offline", fillStatus);
// what another tab wrote
window.addEventListener("storage", (event) => {
  if (current && journal.concerns(event.key, current.session.id)) refresh();
  fillStatus();
});

// an error that nobody foresaw; without an error object it is a notice of the browser
window.addEventListener("error", (event) => event.error && go("trouble"));
window.addEventListener("unhandledrejection", () => go("trouble"));

offerSettings({
  changed() {
    comparison.showGroups = settings.groups;
  },
  translated: fillTexts,
});
navigator.serviceWorker?.register("/sw.js").catch(() => undefined); // without it a reload needs the network
begin();
