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
  const MAX_COORDINATE = 65535, CELLS = 128, PICK_RADIUS = 14, MAX_HITS = 8;

  const byId = (id) => document.getElementById(id);
  const stage = byId("atlas-stage"), canvas = byId("atlas-canvas"), tip = byId("atlas-tip");
  const context = canvas.getContext("2d");
  let width = 0, height = 0, ratio = 1;
  let zoom = 1, left = 0, top = 0;  // a movie lies at (x * zoom - left, y * zoom - top) CSS pixels
  let selected = -1, hovered = -1, only = -1, drawRequested = false, colours = [];

  const coloured = (movie) => Math.min(genre[movie], data.coloured);
  const describe = (movie) =>
    [year[movie] || "year unknown", data.genres[genre[movie]]].join(" · ");

  // Movies by colour, so that each colour is set once a drawing; by cell, so that pointing is quick.
  const byColour = Array.from({length: data.coloured + 1}, () => []);
  const cells = new Map();
  const cell = (x, y) => ((y * CELLS / (MAX_COORDINATE + 1)) | 0) * CELLS + ((x * CELLS / (MAX_COORDINATE + 1)) | 0);
  for (let i = 0; i < count; i++) {
    byColour[coloured(i)].push(i);
    const index = cell(xs[i], ys[i]), inCell = cells.get(index);
    if (inCell) inCell.push(i); else cells.set(index, [i]);
  }

  const minZoom = () => Math.min(width, height) * 0.94 / MAX_COORDINATE;

  function readTheme() {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    colours = byColour.map((_, i) => value(i < data.coloured ? `--g${i}` : "--other"));
    colours.ink = value("--ink"); colours.paper = value("--card"); colours.accent = value("--accent");
  }

  function resize() {
    const box = stage.getBoundingClientRect(), first = width === 0;
    const middle = first ? null : [(left + width / 2) / zoom, (top + height / 2) / zoom];
    const fitted = zoom <= minZoom() * 1.001;
    width = box.width; height = box.height; ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
    if (first || fitted) showAll(); else centre(middle[0], middle[1]);
  }

  function showAll() { zoom = minZoom(); centre(MAX_COORDINATE / 2, MAX_COORDINATE / 2); }

  function centre(x, y) { left = x * zoom - width / 2; top = y * zoom - height / 2; requestDraw(); }

  function requestDraw() {
    if (drawRequested) return;
    drawRequested = true;
    requestAnimationFrame(() => { drawRequested = false; draw(); });
  }

  function draw() {
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const close = zoom / minZoom();
    const size = Math.min(9, Math.max(1.5, (count > 20000 ? 1.5 : 2.4) * Math.pow(close, 0.42)));
    byColour.forEach((movies, colour) => {
      context.fillStyle = colours[colour];
      context.globalAlpha = only >= 0 && only !== colour ? 0.06 : 0.72;
      drawDots(movies, size);
    });
    context.globalAlpha = 1;
    if (selected >= 0) drawNeighbours(selected, size);
    if (hovered >= 0) drawRing(hovered, size + 5, colours.ink, 1.5);
    if (close > 8) drawLabels(size);
  }

  function drawDots(movies, size) {
    const half = size / 2, round = size > 4;
    if (round) context.beginPath();
    for (const i of movies) {
      const x = xs[i] * zoom - left, y = ys[i] * zoom - top;
      if (x < -9 || y < -9 || x > width + 9 || y > height + 9) continue;
      if (round) { context.moveTo(x + half, y); context.arc(x, y, half, 0, 7); }
      else context.fillRect(x - half, y - half, size, size);
    }
    if (round) context.fill();
  }

  function drawNeighbours(movie, size) {
    const x = xs[movie] * zoom - left, y = ys[movie] * zoom - top;
    context.strokeStyle = colours.accent; context.lineWidth = 1;
    context.beginPath();
    for (const other of nearestOf(movie)) {
      context.moveTo(x, y); context.lineTo(xs[other] * zoom - left, ys[other] * zoom - top);
    }
    context.stroke();
    for (const other of nearestOf(movie)) drawRing(other, size + 3, colours.accent, 1.5);
    drawRing(movie, size + 7, colours.ink, 2.5);
    drawTitle(movie, x, y - size - 8);
  }

  function drawRing(movie, size, colour, lineWidth) {
    context.strokeStyle = colour; context.lineWidth = lineWidth;
    context.beginPath();
    context.arc(xs[movie] * zoom - left, ys[movie] * zoom - top, size / 2 + 1, 0, 7);
    context.stroke();
  }

  function drawTitle(movie, x, y) {
    context.font = "600 13px system-ui, sans-serif"; context.textAlign = "center";
    context.lineWidth = 4; context.strokeStyle = colours.paper; context.fillStyle = colours.ink;
    context.strokeText(data.titles[movie], x, y); context.fillText(data.titles[movie], x, y);
  }

  // Titles of the movies in view, where they don't cover one another.
  function drawLabels(size) {
    context.font = "11px system-ui, sans-serif"; context.textAlign = "left";
    context.lineWidth = 3; context.strokeStyle = colours.paper; context.fillStyle = colours.ink;
    const taken = new Set();
    let shown = 0;
    for (const i of moviesWithin(left / zoom, top / zoom, (left + width) / zoom, (top + height) / zoom)) {
      const x = xs[i] * zoom - left, y = ys[i] * zoom - top;
      const row = Math.floor(y / 8), from = Math.floor(x / 40), boxes = [];
      for (let column = from; column <= from + 4; column++) boxes.push(row * 1000 + column, (row + 1) * 1000 + column);
      if (i === selected || boxes.some((box) => taken.has(box))) continue;
      for (const box of boxes) taken.add(box);
      const title = data.titles[i].length > 24 ? data.titles[i].slice(0, 23) + "…" : data.titles[i];
      context.strokeText(title, x + size / 2 + 3, y + 4); context.fillText(title, x + size / 2 + 3, y + 4);
      if (++shown > 80) break;
    }
  }

  function* moviesWithin(x0, y0, x1, y1) {
    const clip = (v) => Math.max(0, Math.min(CELLS - 1, (v * CELLS / (MAX_COORDINATE + 1)) | 0));
    for (let row = clip(y0); row <= clip(y1); row++)
      for (let column = clip(x0); column <= clip(x1); column++)
        yield* cells.get(row * CELLS + column) || [];
  }

  function movieAt(px, py) {
    const x = (px + left) / zoom, y = (py + top) / zoom, radius = PICK_RADIUS / zoom;
    let nearest = -1, minimum = radius * radius;
    for (const i of moviesWithin(x - radius, y - radius, x + radius, y + radius)) {
      const distance = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
      if (distance < minimum && (only < 0 || coloured(i) === only)) { minimum = distance; nearest = i; }
    }
    return nearest;
  }

  function zoomAt(factor, px, py) {
    const next = Math.max(minZoom() * 0.8, Math.min(minZoom() * 400, zoom * factor));
    left = (left + px) * next / zoom - px; top = (top + py) * next / zoom - py;
    zoom = next; requestDraw();
  }

  function hover(movie, px, py) {
    if (movie !== hovered) { hovered = movie; requestDraw(); }
    tip.hidden = movie < 0;
    if (movie < 0) return;
    tip.replaceChildren(element("strong", data.titles[movie]), element("span", describe(movie)));
    tip.style.left = `${Math.max(4, Math.min(px + 14, width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${py + 18 + tip.offsetHeight > height ? py - tip.offsetHeight - 10 : py + 18}px`;
  }

  const pointers = new Map();
  let moved = 0, pinchDistance = 0;
  const position = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, position(event));
    if (pointers.size === 1) moved = 0;
    pinchDistance = pointerDistance();
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = position(event), last = pointers.get(event.pointerId);
    if (!last) { hover(movieAt(x, y), x, y); return; }
    pointers.set(event.pointerId, [x, y]);
    if (pointers.size === 1) {
      left -= x - last[0]; top -= y - last[1];
      moved += Math.abs(x - last[0]) + Math.abs(y - last[1]);
      if (moved > 4) hover(-1);
    } else {
      moved = 99;
      const [a, b] = [...pointers.values()], next = pointerDistance();
      if (pinchDistance) zoomAt(next / pinchDistance, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2);
      pinchDistance = next;
    }
    requestDraw();
  });
  const onPointerEnd = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    pinchDistance = pointerDistance();
    if (event.type === "pointerup" && moved <= 4 && pointers.size === 0) {
      const movie = movieAt(...position(event));
      if (movie >= 0) select(movie, false);
    }
  };
  canvas.addEventListener("pointerup", onPointerEnd);
  canvas.addEventListener("pointercancel", onPointerEnd);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...position(event));
  }, {passive: false});
  canvas.addEventListener("dblclick", (event) => zoomAt(2, ...position(event)));

  function pointerDistance() {
    if (pointers.size !== 2) return 0;
    const [a, b] = [...pointers.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  }

  const keyActions = {
    ArrowLeft: () => { left -= 60; }, ArrowRight: () => { left += 60; },
    ArrowUp: () => { top -= 60; }, ArrowDown: () => { top += 60; },
    "+": () => zoomAt(1.4, width / 2, height / 2), "=": () => zoomAt(1.4, width / 2, height / 2),
    "-": () => zoomAt(1 / 1.4, width / 2, height / 2), "0": showAll,
  };
  stage.addEventListener("keydown", (event) => {
    const action = keyActions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault(); action(); requestDraw();
  });
  byId("atlas-in").addEventListener("click", keyActions["+"]);
  byId("atlas-out").addEventListener("click", keyActions["-"]);
  byId("atlas-home").addEventListener("click", showAll);

  // The selected movie and its neighbours.
  const nearestOf = (movie) => neighbours.subarray(movie * data.nearest, (movie + 1) * data.nearest);

  function element(tag, text, kind) {
    const node = document.createElement(tag);
    node.textContent = text;
    if (kind) node.className = kind;
    return node;
  }

  function button(movie) {
    const node = element("button", "");
    node.type = "button";
    node.append(element("span", data.titles[movie]), element("small", describe(movie)));
    node.addEventListener("click", () => { select(movie, true); byId("atlas-selected").focus({preventScroll: true}); });
    const item = document.createElement("li");
    item.append(node);
    return item;
  }

  function select(movie, recentre) {
    selected = movie;
    byId("atlas-none").hidden = true;
    byId("atlas-detail").hidden = false;
    byId("atlas-selected").textContent = data.titles[movie];
    byId("atlas-about").textContent = describe(movie);
    byId("atlas-near").replaceChildren(...Array.from(nearestOf(movie), button));
    if (recentre) {
      hits.replaceChildren(); status.textContent = "";
      zoom = Math.max(zoom, minZoom() * 9);
      centre(xs[movie], ys[movie]);
    }
    requestDraw();
  }

  // Search: no case, no accents, no article in front or at the end, & is and.
  const ARTICLE = "the|a|an|le|la|les|un|une|el|los|las|il|lo|gli|der|die|das|den|det|de|het|een|ein|eine|os|as";
  const FRONT = new RegExp(`^(?:(?:${ARTICLE})\\s+|l['’])`), BACK = new RegExp(`,\\s*(?:${ARTICLE}|l['’])$`);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase().replace(/&/g, "and")
    .trim().replace(BACK, "").replace(FRONT, "").replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  let searchable = null;

  function rankTitle(title, query, words) {
    if (title === query) return 0;
    if (title.startsWith(query)) return 1;
    if ((" " + title).includes(" " + query)) return 2;
    return words.every((word) => title.includes(word)) ? 3 : 4;
  }

  function search(text) {
    searchable ||= data.titles.map((title, i) => [title, ...(data.others[i] || [])].map(plain));
    const query = plain(text), words = query.split(" ");
    if (!query) return [];
    const matches = [];
    for (let i = 0; i < count; i++) {
      const ranks = searchable[i].map((title) => [rankTitle(title, query, words), title.length]);
      const best = ranks.reduce((a, b) => (b[0] < a[0] ? b : a));
      if (best[0] < 4) matches.push([...best, i]);
    }
    matches.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
    return matches.map((match) => match[2]);
  }

  const box = byId("atlas-search"), hits = byId("atlas-hits"), status = byId("atlas-status");
  box.addEventListener("input", () => {
    const matches = search(box.value), shown = matches.slice(0, MAX_HITS);
    hits.replaceChildren(...shown.map(button));
    const more = matches.length > shown.length ? `, the first ${shown.length} below` : "";
    status.textContent = box.value.trim() ? `${matches.length.toLocaleString("en")} found${more}` : "";
  });
  byId("atlas-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const matches = search(box.value);
    if (matches.length) select(matches[0], true);
  });

  // The legend: each genre is a switch that shows it alone.
  const legend = byId("atlas-legend");
  byColour.forEach((movies, colour) => {
    if (!movies.length) return;
    const node = element("button", "");
    const swatch = element("i", "");
    swatch.style.background = colour < data.coloured ? `var(--g${colour})` : "var(--other)";
    node.append(swatch, colour < data.coloured ? data.genres[colour] : "others",
      element("small", movies.length.toLocaleString("en")));
    node.type = "button";
    node.setAttribute("aria-pressed", "false");
    node.addEventListener("click", () => {
      only = only === colour ? -1 : colour;
      for (const other of legend.querySelectorAll("button"))
        other.setAttribute("aria-pressed", String(other === node && only >= 0));
      requestDraw();
    });
    const item = document.createElement("li");
    item.append(node);
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
