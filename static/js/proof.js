// The work of the proof page runs in a worker of ours, as the content security policy wants it.
document.getElementById("without-javascript").remove();
const widget = document.querySelector("altcha-widget");
await customElements.whenDefined("altcha-widget");
globalThis.$altcha.algorithms.set("SHA-256", () => new Worker(widget.dataset.worker, { type: "module" }));
widget.verify();
