// Keeps the patrol's page usable without a network: the newest answer when there is one, else the last one kept.
const KEPT = "araz-patrol-2";
const isKept = (url) => url.pathname === "/patrol" || url.pathname.startsWith("/assets/") || url.pathname === "/api/site" || url.pathname === "/favicon.svg";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), forgetOld()])));

async function forgetOld() {
  for (const name of await caches.keys()) if (name !== KEPT) await caches.delete(name);
}

async function freshOrKept(request) {
  const kept = await caches.open(KEPT);
  const last = await kept.match(request, { ignoreSearch: true });
  try {
    // A bad network answers late or never: after four seconds the last one kept is better than waiting.
    const answer = await fetch(request, last ? { signal: AbortSignal.timeout(4000) } : {});
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  } catch (cause) {
    if (last) return last;
    throw cause;
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === self.location.origin && isKept(url)) {
    event.respondWith(freshOrKept(event.request));
  }
});
