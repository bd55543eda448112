// Lets the page be reloaded without a network.  Answers and pictures are kept by the page itself.

const CACHE = "gamac-studio";
const PAGE = "/studio";
const PATIENCE = 5000; // ms until the kept copy is used instead
const FILES = [
  "api.js", "arrange.js", "bar.js", "canvas.js", "compare.js", "drag.js", "icon.svg", "journal.js", "order.js",
  "palette.js", "pictures.js", "protocol.js", "queue.js", "settings.js", "stopwatch.js", "studio.css", "studio.js",
  "text.js",
].map((name) => `/static/${name}`);

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([PAGE, ...FILES])).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function fetchAndKeep(request) {
  const answer = await fetch(request);
  // a refusal replaces no page that works
  if (answer.ok && !answer.redirected) await (await caches.open(CACHE)).put(request.url, answer.clone());
  return answer;
}

async function freshOrKept(request) {
  const fresh = fetchAndKeep(request);
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const answer = await Promise.race([fresh, late]);
    if (answer && answer.status < 500) return answer;
  } catch {
    // no network: the kept copy below
  }
  return (await caches.match(request.url)) ?? fresh;
}

/** Somebody follows a link: a page that was kept may be of another person. */
async function join(request) {
  const answer = await fetch(request);
  if (answer.type === "opaqueredirect") await (await caches.open(CACHE)).delete(PAGE);
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  const ours = origin === self.location.origin && (pathname === PAGE || pathname.startsWith("/static/"));
  if (ours && event.request.method === "GET") event.respondWith(freshOrKept(event.request));
  else if (pathname.startsWith("/join/") && event.request.mode === "navigate") event.respondWith(join(event.request));
});
