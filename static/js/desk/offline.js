// Keeps a page for the moment when the connection is gone; see worker.js.
navigator.serviceWorker?.register("/ui/worker.js", { scope: "/", updateViaCache: "none" }).catch(() => {});
