/* Finding one's way in a record: words, filters, keys. Nothing is fetched, kept or changed; lines that do not fit are hidden. */
(function () {
  "use strict";
  const page = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const each = (selector, within) => Array.from((within || document).querySelectorAll(selector));
  const bar = document.querySelector(".bar");

  /* Long tables show their first rows on a screen; print has all of them. */
  each(".long").forEach((table) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "fold";
    const said = () => {
      const open = table.classList.contains("all");
      button.textContent = open ? "Show the first rows only" : "Show all " + Number(table.dataset.rows).toLocaleString("en") + " rows";
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => {
      table.classList.toggle("all");
      said();
      if (!table.classList.contains("all")) table.scrollIntoView({ block: "nearest" });
    });
    said();
    table.after(button);
  });

  if (!bar) return;
  const timeline = byId("timeline"), rowsAt = byId("rows");
  const box = byId("words"), kind = byId("kind"), year = byId("year"), source = byId("source");
  const outside = byId("outside"), clear = byId("clear"), found = byId("found"), only = byId("only"), none = byId("none");
  const lists = [kind, year, source].filter(Boolean);

  /* ── what there is ── */
  const rows = each("details", rowsAt);
  const blocks = each(".block", rowsAt).map((at) => ({ at, of: [], shown: -1 }));
  const facts = [];
  let number = 0;
  blocks.forEach((block) => {
    const month = block.at.parentNode, within = month.parentNode;
    for (const row of block.at.children) {
      facts.push({
        kind: row.dataset.k,
        sources: row.dataset.s.split(" "),
        outside: row.hasAttribute("data-o"),
        year: within.dataset.year,
        });
      block.of.push(number++);
    }
  });
  const SPELT = { "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i" };
  const folded = (text) =>
    text.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f]/g, "").replace(/[ßæœøłđðþı]/g, (one) => SPELT[one]);
  const texts = [];
  function read(most) {
    for (let left = most; left > 0 && texts.length < rows.length; left--) {
      const row = rows[texts.length], month = row.parentNode.parentNode.firstElementChild;
      texts.push(" " + folded((month.tagName === "H4" ? month.textContent + " " : "") + row.textContent));
    }
    return texts.length < rows.length;
  }
  /* What nobody waits for is done in small pieces: `work` says whether there is more. */
  const calm = window.requestIdleCallback || ((then) => setTimeout(then, 30));
  const bitByBit = (work) => calm(() => { if (work()) bitByBit(work); });
  bitByBit(() => read(300));

  /* A word of one or two letters has to begin a word: "ct" is no part of "factor". */
  const BORDER = /[^\p{L}\p{N}]/u;
  const holds = (text, word) => {
    let at = text.indexOf(word);
    if (word.length > 2) return at >= 0;
    while (at > 0 && !BORDER.test(text[at - 1])) at = text.indexOf(word, at + 1);
    return at >= 0;
  };

  /* ── which ones fit ── */
  const said = (list) => list.selectedOptions[0].textContent.replace(/ \([\d,]+\)$/, "");
  const plural = (count) => count.toLocaleString("en") + (count === 1 ? " record" : " records");
  let wanted = [];
  let telling = 0;
  const single = document.createElement("input");

  const fits = rows.map(() => true);
  let behind = [];

  function apply() {
    wanted = folded(box.value).split(/\s+/).filter(Boolean);
    if (wanted.length) read(rows.length);
    const tick = Boolean(outside && outside.checked);
    const by = { kind: kind.value, year: year.value, source: source ? source.value : "" };
    let count = 0;
    for (let at = 0; at < rows.length; at++) {
      const fact = facts[at];
      fits[at] =
        (!by.kind || fact.kind === by.kind) &&
        (!by.year || fact.year === by.year) &&
        (!by.source || fact.sources.includes(by.source)) &&
        (!tick || fact.outside) &&
        wanted.every((word) => holds(texts[at], word));
      if (fits[at]) count++;
    }
    settle();
    tell(count, tick);
    mark();
  }

  /* Headings without lines go, and each block says how high it will be. Lines are touched only where a block has some that
     fit and some that do not: at once where they are looked at first, then bit by bit. */
  function settle() {
    behind = [];
    for (const block of blocks) {
      const shown = block.of.reduce((sum, at) => sum + fits[at], 0);
      const every = shown === block.of.length;
      if (block.shown !== shown) {
        block.shown = shown;
        block.at.hidden = !shown;
        block.at.classList.toggle("every", every);
        block.at.style.setProperty("--n", shown);
      }
      if (shown && !every) behind.push(block);
    }
    behind.reverse();
    hide(400);
    if (behind.length) bitByBit(() => hide(800));
    for (const part of [".month", ".year"])
      for (const at of each(part, rowsAt)) {
        const empty = !at.querySelector(part === ".month" ? ".block:not([hidden])" : ".month:not([hidden])");
        if (at.hidden !== empty) at.hidden = empty;
      }
  }

  function hide(most) {
    for (let left = most; left > 0 && behind.length; ) {
      const block = behind.pop();
      left -= block.of.length;
      for (const at of block.of) if (rows[at].hidden === fits[at]) rows[at].hidden = !fits[at];
    }
    return behind.length > 0;
  }

  function tell(count, tick) {
    const asked = [];
    if (wanted.length) asked.push("with the words “" + box.value.trim() + "”");
    if (kind.value) asked.push("kind: " + said(kind));
    if (year.value) asked.push(year.value === "-" ? "without a date" : "in " + year.value);
    if (source && source.value) asked.push("from " + said(source));
    if (tick) asked.push("outside their range");
    const part = asked.length > 0;
    page.classList.toggle("filtered", part);
    clear.hidden = !part;
    none.hidden = count > 0 || !rows.length;
    const sum = part ? count.toLocaleString("en") + " of " + plural(rows.length) : plural(rows.length);
    only.textContent = part ? "Only a part of the timeline is printed: " + sum + ", " + asked.join(", ") + "." : "";
    clearTimeout(telling);
    const tellIt = () => { found.textContent = part ? sum + ", " + asked.join(", ") + ". Print prints these." : sum; };
    if (part) telling = setTimeout(tellIt, 120);
    else tellIt();
  }

  /* What was searched for is marked in the lines that are in sight, where the browser can do that without touching them. */
  function mark() {
    if (!window.CSS || !CSS.highlights || !window.Highlight) return;
    CSS.highlights.delete("found");
    if (!wanted.length) return;
    const ranges = [];
    const walker = document.createTreeWalker(rowsAt, NodeFilter.SHOW_TEXT, {
      acceptNode: (node) => (node.parentNode.closest("summary") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT),
    });
    const lines = visible(first(), 300);
    for (const line of lines) {
      walker.currentNode = line.firstElementChild;
      for (let node = walker.nextNode(); node && line.firstElementChild.contains(node); node = walker.nextNode()) {
        const text = node.data.toLowerCase();
        if (folded(text).length !== text.length) continue;
        const plain = folded(text);
        for (const word of wanted)
          for (let at = plain.indexOf(word); at >= 0; at = plain.indexOf(word, at + word.length)) {
            if (word.length < 3 && at > 0 && !BORDER.test(plain[at - 1])) continue;
            const range = new Range();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            ranges.push(range);
          }
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges));
  }

  /* ── going from line to line ── */
  function step(at, by) {
    for (at += by; at >= 0 && at < rows.length; at += by) if (fits[at]) return at;
    return -1;
  }
  const first = () => step(-1, 1);
  function visible(at, most) {
    const some = [];
    for (; at >= 0 && some.length < most; at = step(at, 1)) some.push(rows[at]);
    return some;
  }
  const current = () => {
    const row = document.activeElement && document.activeElement.closest("#rows details");
    return row ? rows.indexOf(row) : -1;
  };
  function go(at) {
    if (at < 0) return;
    const line = rows[at].firstElementChild;
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  }
  function inSight() {
    for (const block of blocks) {
      if (block.at.hidden || block.at.getBoundingClientRect().bottom < bar.offsetHeight) continue;
      for (const at of block.of)
        if (fits[at] && rows[at].getBoundingClientRect().top >= bar.offsetHeight) return at;
    }
    return first();
  }
  function show() {
    const top = timeline.getBoundingClientRect().top;
    if (top < 0 || top > bar.offsetHeight + 40) timeline.scrollIntoView({ block: "start" });
  }
  function reset() {
    box.value = "";
    lists.forEach((list) => { list.value = ""; });
    if (outside) outside.checked = false;
    apply();
  }

  box.addEventListener("input", () => { apply(); if (box.value) show(); });
  lists.forEach((list) => list.addEventListener("change", () => { apply(); show(); }));
  if (outside) outside.addEventListener("change", () => { apply(); show(); });
  clear.addEventListener("click", () => { reset(); box.focus(); });
  byId("print").addEventListener("click", () => window.print());
  byId("filters").addEventListener("click", (event) => {
    const open = byId("narrow").classList.toggle("shown");
    event.currentTarget.setAttribute("aria-expanded", String(open));
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const key = event.key, at = current(), on = document.activeElement;
    const writing = on && (on.tagName === "SELECT" || (on.tagName === "INPUT" && on !== box && on !== single));
    if (on === box) {
      if (key === "ArrowDown" || key === "Enter") go(first());
      else if (key === "Escape" && page.classList.contains("filtered")) reset();
      else if (key === "Escape") box.blur();
      else return;
    } else if (writing) return;
    else if (key.length === 1 && !single.checked) return;
    else if (key === "/") { box.focus(); box.select(); }
    else if (at >= 0 && (key === "ArrowDown" || key === "j")) go(step(at, 1));
    else if (at >= 0 && (key === "ArrowUp" || key === "k")) { if (step(at, -1) < 0) box.focus(); else go(step(at, -1)); }
    else if (at < 0 && (key === "j" || key === "k")) go(inSight());
    else if (key === "Escape" && at >= 0 && rows[at].open) rows[at].open = false;
    else if (key === "Escape" && page.classList.contains("filtered")) reset();
    else return;
    event.preventDefault();
  });

  window.addEventListener("beforeprint", () => hide(rows.length));
  /* A browser that cannot show what is folded on paper (before ::details-content) opens it to print. */
  if (!(window.CSS && CSS.supports("selector(::details-content)"))) {
    let opened = [];
    window.addEventListener("beforeprint", () => {
      const part = page.classList.contains("filtered");
      const others = each("details").filter((one) => !rowsAt.contains(one));
      opened = rows.filter((row, at) => fits[at] && (part || row.hasAttribute("data-a"))).concat(others).filter((one) => !one.open);
      opened.forEach((row) => { row.open = true; });
    });
    window.addEventListener("afterprint", () => { opened.forEach((row) => { row.open = false; }); });
  }

  /* The bar says how high it is, so that nothing comes to stand beneath it. */
  const high = () => page.style.setProperty("--bar", (getComputedStyle(bar).position === "sticky" ? bar.offsetHeight : 0) + "px");
  if ("ResizeObserver" in window) new ResizeObserver(high).observe(bar);
  high();

  /* What is below a line gets its labels set off when it is opened. */
  rowsAt.addEventListener("toggle", (event) => {
    const text = event.target.open && event.target.lastElementChild;
    if (!text || text.childElementCount) return;
    const lines = text.textContent.split("\n");
    text.textContent = "";
    lines.forEach((line, at) => {
      const label = /^[A-Z][\w ’,-]{1,44}:(?= )/.exec(line);
      if (at) text.append("\n");
      if (label) {
        const soft = document.createElement("span");
        soft.textContent = label[0];
        text.append(soft);
      }
      text.append(label ? line.slice(label[0].length) : line);
    });
  }, true);

  const keys = document.createElement("p");
  keys.className = "keys";
  [["/", "search ·"], ["j", ""], ["k", "or arrows: next, previous ·"], ["Enter", "open ·"], ["Esc", "close, show all"]].forEach(([key, what]) => {
    const cap = document.createElement("kbd");
    cap.textContent = key;
    keys.append(cap, " " + what + " ");
  });
  const label = document.createElement("label");
  single.type = "checkbox";
  single.checked = true;
  label.append(single, " letters as keys");
  keys.append(label);
  rowsAt.before(keys);
  apply();
})();
