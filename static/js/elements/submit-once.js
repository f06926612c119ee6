// A form that was sent is not sent again by a second tap. Leave out with <form data-submit-many>.

const RELEASE_AFTER = 8000; // a download leaves the page standing

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[data-busy]")) {
    button.removeAttribute("aria-disabled");
    button.removeAttribute("data-busy");
  }
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (event.defaultPrevented || form.method !== "post" || "submitMany" in form.dataset) return;
  form.dataset.sent = "true";
  event.submitter?.setAttribute("aria-disabled", "true");
  event.submitter?.setAttribute("data-busy", "");
  setTimeout(release, RELEASE_AFTER, form);
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) release(form);
});
