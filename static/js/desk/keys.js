// The keyboard, wherever nobody is typing: / searches, ? explains, arrows move inside an open menu.

const isTyping = ({ target }) => target.isContentEditable || target.closest?.("input, select, textarea, dialog[open] form");

const search = () => {
  const input = document.querySelector("[type=search]");
  if (!input) return false;
  for (let fold = input.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  input.focus();
  input.select();
  return true;
};

const explain = () => {
  const help = document.getElementById("keyboard-help");
  if (!help) return false;
  if (help.open) help.close();
  else help.showModal();
  return true;
};

const ways = { "/": search, "?": explain };

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (move(event) || (!isTyping(event) && ways[event.key]?.())) event.preventDefault();
});

// Arrows, Home and End inside a menu; arrow down opens the menu of a focused button.
const move = ({ key, target }) => {
  const opener = target.closest?.("[popovertarget]");
  if (opener && key === "ArrowDown") {
    const menu = document.getElementById(opener.getAttribute("popovertarget"));
    if (!menu?.classList.contains("menu")) return false;
    menu.showPopover();
    items(menu)[0]?.focus();
    return true;
  }
  const menu = target.closest?.(".menu");
  if (!menu) return false;
  const all = items(menu);
  const at = all.indexOf(target);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[key];
  if (next === undefined || !all.length) return false;
  all.at(next % all.length).focus();
  return true;
};

const items = (menu) => [...menu.querySelectorAll(".menu__item")];

document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-opens]")) explain();
});
