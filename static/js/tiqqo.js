// What holds for every page. Elements have a file each in elements/; pages work without either.

const alerts = () => document.getElementById("alerts");

// A refusal says where it wants to be shown; every other failure of htmx is told in #alerts.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status >= 400 && detail.xhr.getResponseHeader("HX-Retarget")) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});

const tellFailure = () => {
  const region = alerts();
  if (!region) return;
  const alert = document.createElement("div");
  alert.className = "alert alert--negative";
  alert.setAttribute("role", "alert");
  alert.textContent = region.dataset.failure;
  region.replaceChildren(alert);
};
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, tellFailure);
}

// What the last page left to say is on this page from the start, and such text is not read aloud: say it again.
addEventListener("load", () => {
  const said = alerts()?.innerText.trim();
  if (!said) return;
  const voice = document.createElement("p");
  voice.className = "visually-hidden";
  voice.setAttribute("role", "status");
  document.body.append(voice);
  setTimeout(() => { voice.textContent = said; }, 150);
});

// A link with data-dialog opens the .dialog-page of the page it leads to in a <dialog>.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const article = page.querySelector(".dialog-page");
    if (!answer.ok || !article) throw new Error("No dialog on that page.");
    show(document.importNode(article, true), link);
  } catch {
    location.assign(link.href);
  }
});

const show = (article, link) => {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  for (const form of article.querySelectorAll("form:not([action])")) form.action = link.href;
  dialog.append(article);
  const heading = article.querySelector("h1");
  if (heading) {
    heading.id ||= "dialog-heading";
    dialog.setAttribute("aria-labelledby", heading.id);
  }
  for (const back of article.querySelectorAll("[data-dismiss]")) {
    back.addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
  }
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  document.body.append(dialog);
  window.htmx?.process(dialog);
  dialog.showModal();
};
