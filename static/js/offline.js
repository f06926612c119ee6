// Keeps a page for the moment when the connection is gone; see worker.js of tiqqo.ui.
navigator.serviceWorker?.register("/worker.js", { updateViaCache: "none" }).catch(() => {});
