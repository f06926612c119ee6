// Answers a page that cannot be fetched with the page that says so. PAGE and FILES stand above, put there by the server.

addEventListener("install", (event) => {
  event.waitUntil(caches.open(FILES.at(-1)).then((cache) => cache.addAll([PAGE, ...FILES])).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name !== FILES.at(-1)).map((name) => caches.delete(name))))
    .then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  else if (FILES.some((file) => request.url.endsWith(file))) event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
});
