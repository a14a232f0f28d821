// Keeps the app's own files, so that it opens offline. Data is none of its business: to-dos are kept by the app.
const CACHE = "app-1";
const SHELL = new URL("./", self.location).href;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !url.href.startsWith(SHELL)) return;
  // Files below assets/ carry a hash of their content in their names: what is kept is right for ever.
  event.respondWith(url.pathname.includes("/assets/") ? keptFirst(event.request) : newestFirst(event.request));
});

async function install() {
  const cache = await caches.open(CACHE);
  const page = await fetch(SHELL, { cache: "no-cache" });
  const html = await page.clone().text();
  const files = [...html.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map((match) => new URL(match[1], SHELL).href);
  await cache.put(SHELL, page);
  await cache.addAll([...files, new URL("config.json", SHELL).href]);
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function keptFirst(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request, answer.clone());
  return answer;
}

async function newestFirst(request) {
  const cache = await caches.open(CACHE);
  const key = request.mode === "navigate" ? SHELL : request;
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(key, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(key);
    if (kept) return kept;
    throw error;
  }
}
