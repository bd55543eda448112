// The bar at the top: how far one is, how long it takes, and whether everything is saved.

import { say } from "./text.js";

const PACE = 5; // seconds per answer where nothing is known yet
const ENOUGH = 5; // answers whose times tell how fast somebody is
const ARRANGING = 60; // seconds that the last screen takes
const GRACE = 800; // ms that an answer may be on its way

const find = (id) => document.getElementById(id);

let showing = 0;

/** Median seconds per answer in these events; where there are few, what is known from elsewhere. */
export function paceOf(events, known) {
  const times = events.filter((event) => event.kind === "answer" && event.took_ms).map((event) => event.took_ms / 1000);
  if (times.length < ENOUGH) return known ?? PACE;
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

/** Whole minutes that so many pairs and the last screen take, at least one. */
export const minutesFor = (pairs, pace) => Math.max(1, Math.ceil((pairs * pace + ARRANGING) / 60));

/** Show where a session stands; nothing where there is none. */
export function showProgress({ session, state } = {}, pace = PACE) {
  const [comparing, arranging] = [state?.stage === "compare", state?.stage === "arrange"];
  const place = { number: session?.number, quota: session?.quota };
  find("set").textContent = session ? say(session.practice ? "bar.practice" : "bar.set", place) : "";
  const minutes = comparing || arranging ? minutesFor(state.expected - state.answered, pace) : 0;
  find("time").textContent = minutes > 1 ? say("bar.minutes", { minutes }) : minutes ? say("bar.soon") : "";
  const pair = comparing && say("bar.pair", { done: state.answered + 1, expected: state.expected });
  find("pair").textContent = pair || (arranging ? say("bar.last_step") : "");
  find("progress").value = comparing ? state.answered / Math.max(state.expected, 1) : 1;
}

/** Show how many answers wait to be sent. */
export function showStatus(count, offline) {
  const state = offline ? "offline" : count ? "waiting" : "saved";
  find("status").dataset.state = state;
  clearTimeout(showing);
  const show = () => {
    find("status").dataset.shown = state;
    find("status-text").textContent = say(offline && !count ? "status.offline_saved" : `status.${state}`, { count });
  };
  // an answer that is on its way for a moment is no news
  if (state === "waiting" && find("status").dataset.shown === "saved") showing = setTimeout(show, GRACE);
  else show();
}
