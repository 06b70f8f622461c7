"use strict";
// The map of all movies: a canvas to look at, a search box and lists that work from the keyboard.
(() => {
  performance.mark("atlas-start");
  const data = JSON.parse(document.getElementById("atlas-data").textContent);
  const count = data.titles.length;
  const bytes = (text) => {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out.buffer;
  };
  const xs = new Uint16Array(bytes(data.x)), ys = new Uint16Array(bytes(data.y));
  const neighbours = new Uint32Array(bytes(data.neighbours));
  const genre = new Uint8Array(bytes(data.genre)), year = new Int16Array(bytes(data.year));
  const STAR_SPAN = 65535, CELLS = 128, PICK = 14, MOST_FOUND = 8;

  const find = (id) => document.getElementById(id);
  const stage = find("atlas-stage"), canvas = find("atlas-canvas"), tip = find("atlas-tip");
  const paint = canvas.getContext("2d");
  let width = 0, height = 0, ratio = 1;
  let zoom = 1, left = 0, top = 0;  // a movie lies at (x * zoom - left, y * zoom - top) CSS pixels
  let chosen = -1, hovered = -1, only = -1, waiting = false, colours = [];

  const coloured = (movie) => Math.min(genre[movie], data.coloured);
  const about = (movie) =>
    [year[movie] || "year unknown", data.genres[genre[movie]]].join(" · ");

  // Movies by colour, so that each colour is set once a drawing; by cell, so that pointing is quick.
  const byColour = Array.from({length: data.coloured + 1}, () => []);
  const cells = new Map();
  const cell = (x, y) => ((y * CELLS / (STAR_SPAN + 1)) | 0) * CELLS + ((x * CELLS / (STAR_SPAN + 1)) | 0);
  for (let i = 0; i < count; i++) {
    byColour[coloured(i)].push(i);
    const at = cell(xs[i], ys[i]), there = cells.get(at);
    if (there) there.push(i); else cells.set(at, [i]);
  }

  const smallest = () => Math.min(width, height) * 0.94 / STAR_SPAN;

  function readTheme() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    colours = byColour.map((_, i) => value(i < data.coloured ? `--g${i}` : "--other"));
    colours.ink = value("--ink"); colours.paper = value("--card"); colours.accent = value("--accent");
  }

  function resize() {
    const box = stage.getBoundingClientRect(), first = width === 0;
    const middle = first ? null : [(left + width / 2) / zoom, (top + height / 2) / zoom];
    const fitted = zoom <= smallest() * 1.001;
    width = box.width; height = box.height; ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    if (first || fitted) home(); else centre(middle[0], middle[1]);
  }

  function home() { zoom = smallest(); centre(STAR_SPAN / 2, STAR_SPAN / 2); }

  function centre(x, y) { left = x * zoom - width / 2; top = y * zoom - height / 2; later(); }

  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function draw() {
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    const close = zoom / smallest();
    const size = Math.min(9, Math.max(1.5, (count > 20000 ? 1.5 : 2.4) * Math.pow(close, 0.42)));
    byColour.forEach((movies, colour) => {
      paint.fillStyle = colours[colour];
      paint.globalAlpha = only >= 0 && only !== colour ? 0.06 : 0.72;
      dots(movies, size);
    });
    paint.globalAlpha = 1;
    if (chosen >= 0) star(chosen, size);
    if (hovered >= 0) ring(hovered, size + 5, colours.ink, 1.5);
    if (close > 8) labels(size);
  }

  function dots(movies, size) {
    const half = size / 2, round = size > 4;
    if (round) paint.beginPath();
    for (const i of movies) {
      const x = xs[i] * zoom - left, y = ys[i] * zoom - top;
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      if (round) { paint.moveTo(x + half, y); paint.arc(x, y, half, 0, 7); }
      else paint.fillRect(x - half, y - half, size, size);
    }
    if (round) paint.fill();
  }

  function star(movie, size) {
    const x = xs[movie] * zoom - left, y = ys[movie] * zoom - top;
    paint.strokeStyle = colours.accent; paint.lineWidth = 1;
    paint.beginPath();
    for (const other of nearestOf(movie)) {
      paint.moveTo(x, y); paint.lineTo(xs[other] * zoom - left, ys[other] * zoom - top);
    }
    paint.stroke();
    for (const other of nearestOf(movie)) ring(other, size + 3, colours.accent, 1.5);
    ring(movie, size + 7, colours.ink, 2.5);
    say(movie, x, y - size - 8);
  }

  function ring(movie, size, colour, thick) {
    paint.strokeStyle = colour; paint.lineWidth = thick;
    paint.beginPath();
    paint.arc(xs[movie] * zoom - left, ys[movie] * zoom - top, size / 2 + 1, 0, 7);
    paint.stroke();
  }

  function say(movie, x, y) {
    paint.font = "600 13px system-ui, sans-serif"; paint.textAlign = "center";
    paint.lineWidth = 4; paint.strokeStyle = colours.paper; paint.fillStyle = colours.ink;
    paint.strokeText(data.titles[movie], x, y); paint.fillText(data.titles[movie], x, y);
  }

  // Titles of the movies in view, where they don't cover one another.
  function labels(size) {
    paint.font = "11px system-ui, sans-serif"; paint.textAlign = "left";
    paint.lineWidth = 3; paint.strokeStyle = colours.paper; paint.fillStyle = colours.ink;
    const taken = new Set();
    let shown = 0;
    for (const i of within(left / zoom, top / zoom, (left + width) / zoom, (top + height) / zoom)) {
      const x = xs[i] * zoom - left, y = ys[i] * zoom - top;
      const row = Math.floor(y / 8), from = Math.floor(x / 40), boxes = [];
      for (let at = from; at <= from + 4; at++) boxes.push(row * 1000 + at, (row + 1) * 1000 + at);
      if (i === chosen || boxes.some((box) => taken.has(box))) continue;
      for (const box of boxes) taken.add(box);
      const title = data.titles[i].length > 24 ? data.titles[i].slice(0, 23) + "…" : data.titles[i];
      paint.strokeText(title, x + size / 2 + 3, y + 4); paint.fillText(title, x + size / 2 + 3, y + 4);
      if (++shown > 80) break;
    }
  }

  function* within(x0, y0, x1, y1) {
    const clip = (v) => Math.max(0, Math.min(CELLS - 1, (v * CELLS / (STAR_SPAN + 1)) | 0));
    for (let row = clip(y0); row <= clip(y1); row++)
      for (let column = clip(x0); column <= clip(x1); column++)
        yield* cells.get(row * CELLS + column) || [];
  }

  function at(px, py) {
    const x = (px + left) / zoom, y = (py + top) / zoom, reach = PICK / zoom;
    let best = -1, least = reach * reach;
    for (const i of within(x - reach, y - reach, x + reach, y + reach)) {
      const far = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
      if (far < least && (only < 0 || coloured(i) === only)) { least = far; best = i; }
    }
    return best;
  }

  function scaleAt(factor, px, py) {
    const next = Math.max(smallest() * 0.8, Math.min(smallest() * 400, zoom * factor));
    left = (left + px) * next / zoom - px; top = (top + py) * next / zoom - py;
    zoom = next; later();
  }

  function hover(movie, px, py) {
    if (movie !== hovered) { hovered = movie; later(); }
    tip.hidden = movie < 0;
    if (movie < 0) return;
    tip.replaceChildren(element("strong", data.titles[movie]), element("span", about(movie)));
    tip.style.left = `${Math.max(4, Math.min(px + 14, width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${py + 18 + tip.offsetHeight > height ? py - tip.offsetHeight - 10 : py + 18}px`;
  }

  const pointers = new Map();
  let moved = 0, gap = 0;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    if (pointers.size === 1) moved = 0;
    gap = spread();
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event), last = pointers.get(event.pointerId);
    if (!last) { hover(at(x, y), x, y); return; }
    pointers.set(event.pointerId, [x, y]);
    if (pointers.size === 1) {
      left -= x - last[0]; top -= y - last[1];
      moved += Math.abs(x - last[0]) + Math.abs(y - last[1]);
      if (moved > 4) hover(-1);
    } else {
      moved = 99;
      const [a, b] = [...pointers.values()], next = spread();
      if (gap) scaleAt(next / gap, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      gap = next;
    }
    later();
  });
  const lifted = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    gap = spread();
    if (event.type === "pointerup" && moved <= 4 && pointers.size === 0) {
      const movie = at(...place(event));
      if (movie >= 0) choose(movie, false);
    }
  };
  canvas.addEventListener("pointerup", lifted);
  canvas.addEventListener("pointercancel", lifted);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    scaleAt(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...place(event));
  }, {passive: false});
  canvas.addEventListener("dblclick", (event) => scaleAt(2, ...place(event)));

  function spread() {
    if (pointers.size !== 2) return 0;
    const [a, b] = [...pointers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  const keys = {
    ArrowLeft: () => { left -= 60; }, ArrowRight: () => { left += 60; },
    ArrowUp: () => { top -= 60; }, ArrowDown: () => { top += 60; },
    "+": () => scaleAt(1.4, width / 2, height / 2), "=": () => scaleAt(1.4, width / 2, height / 2),
    "-": () => scaleAt(1 / 1.4, width / 2, height / 2), "0": home,
  };
  stage.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); act(); later();
  });
  find("atlas-in").addEventListener("click", keys["+"]);
  find("atlas-out").addEventListener("click", keys["-"]);
  find("atlas-home").addEventListener("click", home);

  // The chosen movie and its neighbours.
  const nearestOf = (movie) => neighbours.subarray(movie * data.nearest, (movie + 1) * data.nearest);

  function element(tag, text, kind) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function button(movie) {
    const made = element("button", "");
    made.type = "button";
    made.append(element("span", data.titles[movie]), element("small", about(movie)));
    made.addEventListener("click", () => { choose(movie, true); find("atlas-chosen").focus({preventScroll: true}); });
    const item = document.createElement("li");
    item.append(made);
    return item;
  }

  function choose(movie, go) {
    chosen = movie;
    find("atlas-none").hidden = true;
    find("atlas-detail").hidden = false;
    find("atlas-chosen").textContent = data.titles[movie];
    find("atlas-about").textContent = about(movie);
    find("atlas-near").replaceChildren(...Array.from(nearestOf(movie), button));
    if (go) {
      hits.replaceChildren(); told.textContent = "";
      zoom = Math.max(zoom, smallest() * 9);
      centre(xs[movie], ys[movie]);
    }
    later();
  }

  // Search: no case, no accents, no article in front or at the end, & is and.
  const ARTICLE = "the|a|an|le|la|les|un|une|el|los|las|il|lo|gli|der|die|das|den|det|de|het|een|ein|eine|os|as";
  const FRONT = new RegExp(`^(?:(?:${ARTICLE})\\s+|l['’])`), BACK = new RegExp(`,\\s*(?:${ARTICLE}|l['’])$`);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/&/g, "and")
    .trim().replace(BACK, "").replace(FRONT, "").replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  let searchable = null;

  function rankTitle(title, wanted, words) {
    if (title === wanted) return 0;
    if (title.startsWith(wanted)) return 1;
    if ((" " + title).includes(" " + wanted)) return 2;
    return words.every((word) => title.includes(word)) ? 3 : 4;
  }

  function search(text) {
    searchable ||= data.titles.map((title, i) => [title, ...(data.others[i] || [])].map(plain));
    const wanted = plain(text), words = wanted.split(" ");
    if (!wanted) return [];
    const found = [];
    for (let i = 0; i < count; i++) {
      const ranks = searchable[i].map((title) => [rankTitle(title, wanted, words), title.length]);
      const best = ranks.reduce((a, b) => (b[0] < a[0] ? b : a));
      if (best[0] < 4) found.push([...best, i]);
    }
    found.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return found.map((one) => one[2]);
  }

  const box = find("atlas-search"), hits = find("atlas-hits"), told = find("atlas-told");
  box.addEventListener("input", () => {
    const found = search(box.value), shown = found.slice(0, MOST_FOUND);
    hits.replaceChildren(...shown.map(button));
    const more = found.length > shown.length ? `, the first ${shown.length} below` : "";
    told.textContent = box.value.trim() ? `${found.length.toLocaleString("en")} found${more}` : "";
  });
  find("atlas-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const found = search(box.value);
    if (found.length) choose(found[0], true);
  });

  // The legend: each genre is a switch that shows it alone.
  const legend = find("atlas-legend");
  byColour.forEach((movies, colour) => {
    if (!movies.length) return;
    const made = element("button", "");
    const swatch = element("i", "");
    swatch.style.background = colour < data.coloured ? `var(--g${colour})` : "var(--other)";
    made.append(swatch, colour < data.coloured ? data.genres[colour] : "others",
      element("small", movies.length.toLocaleString("en")));
    made.type = "button";
    made.setAttribute("aria-pressed", "false");
    made.addEventListener("click", () => {
      only = only === colour ? -1 : colour;
      for (const each of legend.querySelectorAll("button"))
        each.setAttribute("aria-pressed", String(each === made && only >= 0));
      later();
    });
    const item = document.createElement("li");
    item.append(made);
    legend.append(item);
  });

  const themed = () => { readTheme(); draw(); };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themed);
  window.matchMedia("print").addEventListener("change", themed);
  new ResizeObserver(() => { resize(); draw(); }).observe(stage);
  readTheme(); resize(); draw();
  // The frame after the one that shows the drawing.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    performance.mark("atlas-drawn");
    performance.measure("atlas", "atlas-start", "atlas-drawn");
  }));
})();
