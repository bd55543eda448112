// Requests to the studio's server: what comes back, what was refused, and when nobody answered.

const PATIENCE = 20000; // ms until a request counts as lost
const PICTURE_PATIENCE = 300000; // as much for megabytes over a bad connection

/** Nobody answered: no network, no server, or too slow. */
export class Offline extends Error {}

/** The server answered with an error. status: HTTP; body: what it said, {} where that was not JSON. */
export class Refused extends Error {
  constructor(status, body, wait) {
    super(body.error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.body = body;
    this.wait = wait; // seconds that the server asks for before the next try
  }

  /** Whether trying again later may help. */
  get passing() {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

const token = document.querySelector('meta[name="csrf-token"]').content;

async function ask(method, path, body, patience = PATIENCE) {
  const options = { method, headers: {}, credentials: "same-origin", signal: AbortSignal.timeout(patience) };
  if (method !== "GET") {
    options.headers["X-CSRF-Token"] = token;
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Offline();
  }
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, said, Number(answer.headers.get("Retry-After")) || 0);
}

/** Send JSON, get JSON. A body that breaks off counts as no answer. */
export async function request(method, path, body) {
  const answer = await ask(method, path, body);
  try {
    return await answer.json();
  } catch {
    throw new Offline();
  }
}

/** Get bytes. */
export async function bytes(path) {
  const answer = await ask("GET", path, undefined, PICTURE_PATIENCE);
  try {
    return await answer.arrayBuffer();
  } catch {
    throw new Offline();
  }
}
