// What a careful reader finds wrong with the page as it stands. Evaluated into pages, because their
// content security policy lets no script be added.
(() => {
  const nameOf = (element) => {
    const classes = [...element.classList].map((name) => `.${name}`).join("");
    return `${element.localName}${element.id ? `#${element.id}` : ""}${classes}`;
  };
  const firstWords = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);

  // Elements that stick out to the right and make the page scroll, unless their surroundings scroll.
  function overflowing() {
    const width = document.documentElement.clientWidth;
    const sideways = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
    if (sideways <= width) return [];
    const scrolls = (element) => {
      for (let around = element.parentElement; around !== document.body; around = around.parentElement) {
        if (getComputedStyle(around).overflowX !== "visible") return true;
      }
      return false;
    };
    const wide = [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > width + 0.5 && !scrolls(element))
      .map(nameOf);
    return [`the page is ${sideways} px wide: ${[...new Set(wide)].slice(0, 6).join(", ")}`];
  }

  // Text that is not seen in full: cut by a box, or running out of its own. What scrolls is fine, and
  // so is `.truncate`, or an element that says all of it in its title.
  function cut() {
    const found = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (!text.data.trim() || !text.parentElement.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      range.selectNodeContents(text);
      const boxes = [...range.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
      const fault = boxes.length > 0 && faultOf(text.parentElement, boxes);
      if (fault) found.add(`“${firstWords(text.data)}” ${fault}`);
    }
    return [...found];
  }

  function faultOf(holder, boxes) {
    let isOwn = true;
    let ranOut = null;
    let watchX = true;
    let watchY = true;
    let position = "static";
    for (let around = holder; around && (watchX || watchY); around = around.parentElement) {
      const style = getComputedStyle(around);
      if (around.matches(".truncate, [title]") || style.clipPath === "inset(50%)") return null;
      // What is lifted out of the flow is cut only by what it is placed in.
      const isSkipped = position === "absolute" && style.position === "static" && style.transform === "none";
      if (!isSkipped && style.display !== "inline" && style.display !== "contents") {
        const edge = around.getBoundingClientRect();
        if (/auto|scroll/.test(style.overflowX)) watchX = false;
        if (/auto|scroll/.test(style.overflowY)) watchY = false;
        const clipsX = style.overflowX === "hidden" || style.overflowX === "clip";
        const clipsY = style.overflowY === "hidden" || style.overflowY === "clip";
        for (const box of boxes) {
          const middle = (box.top + box.bottom) / 2;
          if (watchX && clipsX && (box.right > edge.right + 1 || box.left < edge.left - 1)) {
            return `is cut by ${nameOf(around)}`;
          }
          if (watchY && clipsY && (middle > edge.bottom || middle < edge.top)) {
            return `is cut by ${nameOf(around)}`;
          }
          if (isOwn && (box.right > edge.right + 1 || box.left < edge.left - 1)) {
            ranOut = `runs out of ${nameOf(around)}`;
          }
        }
        isOwn = false;
        position = style.position;
        if (position === "fixed") break;
      }
    }
    return watchX ? ranOut : null;
  }

  // Short words that do not stay in one piece: whatever holds them was squeezed to a few letters.
  function broken() {
    const found = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (!text.parentElement.checkVisibility({ visibilityProperty: true }) || isHidden(text.parentElement)) continue;
      for (const { 0: word, index } of [...text.data.matchAll(/(?<!\S)\p{Script=Latin}{3,8}(?!\S)/gu)].slice(0, 8)) {
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
        if (lines.size > 1) found.add(`“${word}” is broken in ${nameOf(text.parentElement)}`);
      }
    }
    return [...found];
  }

  const isHidden = (element) => {
    for (let around = element; around; around = around.parentElement) {
      if (getComputedStyle(around).clipPath === "inset(50%)") return true;
    }
    return false;
  };

  // Colours that change by a transition have changed; what inherits them starts to change a frame later.
  async function settled() {
    for (let calm = 0; calm < 2;) {
      await new Promise(requestAnimationFrame);
      const changing = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
      changing.forEach((transition) => transition.finish());
      calm = changing.length ? 0 : calm + 1;
    }
  }

  async function violations(runOnly) {
    const options = { runOnly, resultTypes: ["violations"], preload: false };
    const result = await axe.run(document, options);
    return result.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, any, all, none }) =>
        `${id}: ${target.join(" ")} (${[...any, ...all, ...none].map((c) => c.message).join("; ")})`));
  }

  window.looking = { overflowing, cut, broken, settled, violations };
})();
