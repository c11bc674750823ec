// Keeps the patrol's page usable without a network: the newest answer when there is one, else the last one kept.
const KEPT = "araz-patrol-1";
const isKept = (url) => url.pathname === "/patrol" || url.pathname.startsWith("/assets/") || url.pathname === "/api/site" || url.pathname === "/favicon.svg";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function freshOrKept(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  } catch (cause) {
    const last = await kept.match(request, { ignoreSearch: true });
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
