"use strict";
// The ratings are stored in this variable only: movie row → {stars, time}, in the order in which they were made.
// time is in Unix seconds, or null for an imported rating without a date.
const ratings = new Map();
const byId = (id) => document.getElementById(id);
let movies, rowById;
let latestSearch = 0;
let scores = null, recommendations = [], requestRunning = false, requestPending = false;

const label = (row) => movies.year[row] === null ? movies.title[row] : `${movies.title[row]} (${movies.year[row]})`;
const starsOf = (row) => ratings.get(row)?.stars ?? 0;
const now = () => Math.floor(Date.now() / 1000);
const formatStars = (stars) => `${stars} ${stars === 1 ? "star" : "stars"}`;

function element(tag, text, properties = {}) {
  const node = Object.assign(document.createElement(tag), properties);
  if (text) node.textContent = text;
  return node;
}

// A slider of ten half stars for click, tap, arrow keys, Home, End and digits; Delete removes the rating.
function starSlider(row) {
  const container = element("span", "", {className: "stars"}), slider = element("span", "", {tabIndex: 0});
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-valuemin", 0);
  slider.setAttribute("aria-valuemax", 5);
  slider.setAttribute("aria-label", `Your rating of ${label(row)}`);
  const update = () => {
    const value = starsOf(row);
    slider.style.setProperty("--stars", value);
    slider.setAttribute("aria-valuenow", value);
    slider.setAttribute("aria-valuetext", value ? formatStars(value) : "not rated");
  };
  slider.addEventListener("click", (event) => {
    const box = slider.getBoundingClientRect();
    rate(row, Math.min(5, Math.max(0.5, Math.ceil((event.clientX - box.left) / box.width * 10) / 2)));
  });
  slider.addEventListener("keydown", (event) => {
    const value = starsOf(row);
    const newValue = {ArrowRight: value + 0.5, ArrowUp: value + 0.5, ArrowLeft: value - 0.5, ArrowDown: value - 0.5,
      Home: 0.5, End: 5}[event.key] ?? (/^[1-5]$/.test(event.key) ? Number(event.key) : null);
    if (event.key === "Delete" || event.key === "Backspace") rate(row, 0);
    else if (newValue === null) return;
    else rate(row, Math.min(5, Math.max(0.5, newValue)));
    event.preventDefault();
  });
  container.append(slider);
  update();
  container.update = update;
  container.dataset.row = row;
  return container;
}

function rate(row, value) {
  const focused = document.activeElement, list = focused?.closest?.(".movies")?.id;
  ratings.delete(row);
  if (value) ratings.set(row, {stars: value, time: now()});
  onRatingsChange();
  // Restore the focus, since the list was rebuilt.
  if (list) byId(list).querySelector(`[data-row="${row}"] [role=slider]`)?.focus();
}

function onRatingsChange() {
  byId("export").disabled = byId("clear").disabled = ratings.size === 0;
  byId("ratings").replaceChildren(...[...ratings.keys()].reverse().map((row) => {
    const slider = starSlider(row), remove = element("button", "×", {type: "button"});
    remove.setAttribute("aria-label", `Remove your rating of ${label(row)}`);
    remove.addEventListener("click", () => rate(row, 0));
    slider.append(remove);
    return movieItem(row, slider);
  }));
  for (const slider of document.querySelectorAll("#results .stars, #recommendations .stars")) slider.update();
  requestRecommendations();
}

function movieItem(row, slider, ...details) {
  const node = element("li"), title = element("span");
  title.append(element("b", movies.title[row]), " ");
  title.append(element("small", [movies.year[row], ...movies.genres[row]].filter(Boolean).join(", ")));
  node.append(title, slider ?? starSlider(row), ...details);
  return node;
}

async function search() {
  const number = ++latestSearch, query = byId("find").value.trim();
  const result = query ? await post("/api/search", query).catch(() => ({movies: []})) : {movies: []};
  // A newer search may have begun.
  if (number !== latestSearch) return;
  byId("results").dataset.query = query;
  byId("result-count").textContent = query ? `${result.movies.length} found` : "";
  byId("results").replaceChildren(...result.movies.slice(0, 8).map((id) => movieItem(rowById.get(id))));
}

async function post(path, body) {
  const response = await fetch(path, {method: "POST", body, headers: {"Content-Type": "application/octet-stream"}});
  const result = await response.json().catch(() => ({error: `The server responded with status ${response.status}.`}));
  if (!response.ok) throw new Error(result.error);
  return result;
}

// One request at a time; of the requests meanwhile, only the last is sent.
async function requestRecommendations() {
  if (requestRunning) { requestPending = true; return; }
  requestRunning = true;
  do {
    requestPending = false;
    await recommend();
  } while (requestPending);
  requestRunning = false;
}

async function recommend() {
  const since = Number(byId("since").value), count = ratings.size;
  const filters = {genres: byId("genre").value ? [byId("genre").value] : [], since: since >= 1800 && since <= 2200 ? since : null,
    exclude_popular: byId("exclude-popular").checked};
  const request = {ratings: [...ratings].map(([row, {stars, time}]) => [movies.id[row], stars, time]), top: 10, filters,
    diverse: byId("diverse").checked};
  try {
    const result = await post("/api/recommend", JSON.stringify(request));
    recommendations = result.recommendations;
    scores = Uint8Array.from(atob(result.scores), (character) => character.charCodeAt(0));
    byId("state").className = "status";
    byId("state").textContent = result.reason_for_none || (count ? `${recommendations.length} for your ${count} ${count === 1 ? "rating" : "ratings"}`
      : "Highest predictions for a user without ratings. Rate movies to personalise them.");
    byId("recommendations").replaceChildren(...recommendations.map(recommendationItem));
  } catch (error) {
    byId("state").className = "status error";
    byId("state").textContent = error.message;
  }
  drawMap();
}

function recommendationItem(prediction) {
  const {movie_id, stars, low, high, ratings, reasons} = prediction;
  const interval = element("div", "", {className: "interval"});
  if (low !== null) interval.append(intervalPlot(prediction));
  interval.append(element("span", `${stars.toFixed(2)} stars` + (low === null ? "" : `, 80 % interval ${low} to ${high}`)));
  const lines = reasons.map(({title, stars, contribution, shared, same_audience}) =>
    `${contribution < 0 ? "−" : "+"}${Math.abs(contribution).toFixed(2)} ${contribution < 0 ? "but " : ""}you rated ${title} ${stars}` +
    ` (${[...shared, ...(same_audience ? ["the same audience"] : [])].join(", ")})`);
  if (!ratings) lines.unshift("Nobody has rated it: this rests on its text and graph alone.");
  return movieItem(rowById.get(movie_id), null, interval, ...lines.map((text) => element("p", text, {className: "reason"})));
}

function intervalPlot({stars, low, high}) {
  const namespace = "http://www.w3.org/2000/svg", svg = document.createElementNS(namespace, "svg");
  const x = (value) => 5 + (value - 0.5) / 4.5 * 90;
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of [["line", {x1: 5, x2: 95, y1: 5, y2: 5}],
    ["rect", {x: x(low) - 2, width: x(high) - x(low) + 4, y: 2, height: 6, rx: 3}],
    ["circle", {cx: x(stars), cy: 5, r: 3}]]) {
    const shape = document.createElementNS(namespace, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

async function importFile(file) {
  const status = byId("imported");
  if (file.size > 5e6) { status.replaceChildren(element("p", "The file is larger than 5 MB.", {className: "error"})); return; }
  status.replaceChildren(element("p", `Matching the movies of ${file.name}`));
  try {
    const result = await post(`/api/import?scale=${byId("scale").value}`, file);
    const parts = [element("p", `${result.site}: ${result.ratings.length} of ${result.rows} rows matched.`),
      element("p", result.notes.join(" "))];
    const ambiguous = result.skipped.filter((row) => row.candidates.length), others = result.skipped.filter((row) => !row.candidates.length);
    if (ambiguous.length) {
      const list = element("ul", "", {className: "movies", id: "choices"});
      list.append(...ambiguous.map(movieChoice));
      parts.push(element("p", "These titles fit several movies:"), list);
    }
    if (others.length) {
      const details = element("details"), list = element("ul");
      details.append(element("summary", `${others.length} skipped`), list);
      list.append(...others.map(({line, title, reason}) => element("li", `line ${line}: ${title || "–"}: ${reason}`)));
      parts.push(details);
    }
    status.replaceChildren(...parts);
    for (const [movie, stars, time] of result.ratings) { ratings.delete(rowById.get(movie)); ratings.set(rowById.get(movie), {stars, time}); }
    onRatingsChange();
  } catch (error) {
    status.replaceChildren(element("p", error.message, {className: "error"}));
  }
}

// A row of a file whose title fits several movies: the choice rates one of them.
function movieChoice({line, title, stars, candidates}) {
  const item = element("li"), select = element("select");
  select.setAttribute("aria-label", `The movie of line ${line}: ${title}`);
  select.append(element("option", "choose a movie", {value: ""}));
  for (const id of candidates) {
    const row = rowById.get(id), count = movies.ratings[row];
    select.append(element("option", `${label(row)}, ${movies.genres[row].join(", ") || "no genre"}, ${count} ${count === 1 ? "rating" : "ratings"}`, {value: row}));
  }
  let chosen = null;
  select.addEventListener("change", () => {
    if (chosen !== null) ratings.delete(chosen);
    chosen = select.value ? Number(select.value) : null;
    if (chosen !== null) ratings.set(chosen, {stars, time: null});
    onRatingsChange();
  });
  item.append(element("span", `line ${line}: ${title}, ${formatStars(stars)}`), select);
  return item;
}

function exportRatings() {
  const quoted = (text) => /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const date = (time) => time === null ? "" : new Date(time * 1000).toISOString();
  const lines = [...ratings].map(([row, {stars, time}]) => `${date(time)},${quoted(movies.title[row])},${movies.year[row] ?? ""},,${stars}\n`);
  const link = element("a", "", {download: "ratings.csv"});
  link.href = URL.createObjectURL(new Blob(["Date,Name,Year,Letterboxd URI,Rating\n", ...lines], {type: "text/csv"}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

let positions = [];
function drawMap() {
  const canvas = byId("map"), scale = devicePixelRatio || 1, context = canvas.getContext("2d");
  const width = canvas.width = canvas.clientWidth * scale, height = canvas.height = canvas.clientHeight * scale;
  const style = getComputedStyle(document.documentElement);
  const [dim, bright] = ["--dim", "--bright"].map((name) => style.getPropertyValue(name).split(",").map(Number));
  const range = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [left, right] = range(movies.x), [low, high] = range(movies.y), border = 12 * scale;
  const zoom = Math.min((width - 2 * border) / (right - left || 1), (height - 2 * border) / (high - low || 1));
  positions = movies.x.map((x, row) => [(x - (left + right) / 2) * zoom + width / 2, height / 2 - (movies.y[row] - (low + high) / 2) * zoom]);
  const radius = Math.max(1, Math.min(2.5, 60 / Math.sqrt(positions.length))) * scale;
  const sorted = scores === null ? null : Float32Array.from(scores).sort();
  const rows = [...positions.keys()];
  if (scores !== null) rows.sort((a, b) => scores[a] - scores[b]);
  for (const row of rows) {
    // From the median (dim) to the maximum (bright), by a power that emphasises the highest scores.
    let brightness = 0;
    if (sorted !== null) {
      const median = sorted[sorted.length >> 1], span = sorted[sorted.length - 1] - median || 1;
      brightness = Math.max(0, Math.min(1, (scores[row] - median) / span)) ** 1.5;
    }
    context.fillStyle = `rgb(${dim.map((channel, i) => Math.round(channel + (bright[i] - channel) * brightness)).join(",")})`;
    context.beginPath();
    context.arc(...positions[row], radius * (1 + brightness), 0, 7);
    context.fill();
  }
  context.strokeStyle = style.getPropertyValue("--accent");
  context.lineWidth = 2 * scale;
  for (const row of ratings.keys()) { context.beginPath(); context.arc(...positions[row], 6 * scale, 0, 7); context.stroke(); }
  context.strokeStyle = style.getPropertyValue("--ink");
  for (const {movie_id} of ratings.size ? recommendations : []) {
    const [x, y] = positions[rowById.get(movie_id)], arm = 5 * scale;
    context.beginPath();
    context.moveTo(x - arm, y - arm); context.lineTo(x + arm, y + arm); context.moveTo(x + arm, y - arm); context.lineTo(x - arm, y + arm);
    context.stroke();
  }
  canvas.dataset.ratings = scores === null ? 0 : ratings.size;
}

function nearestMovie(event) {
  const canvas = byId("map"), box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
  const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
  let nearest = null, minimum = (12 * scale) ** 2;
  positions.forEach(([px, py], row) => { const distance = (px - x) ** 2 + (py - y) ** 2; if (distance < minimum) [nearest, minimum] = [row, distance]; });
  return nearest;
}

function showTooltip(event) {
  const row = nearestMovie(event), tip = byId("tip"), box = byId("map").getBoundingClientRect();
  tip.style.display = row === null ? "none" : "block";
  if (row === null) return;
  tip.textContent = label(row) + (scores === null ? "" : `, ${(scores[row] / 50).toFixed(1)} predicted`);
  const left = event.clientX - box.left;
  tip.style.left = `${Math.max(0, Math.min(left + 10, box.width - tip.offsetWidth))}px`;
  tip.style.top = `${event.clientY - box.top + 14}px`;
}

async function start() {
  movies = await (await fetch("/api/movies")).json();
  rowById = new Map(movies.id.map((id, row) => [id, row]));
  const genres = [...new Set(movies.genres.flat())].sort();
  byId("genre").append(...genres.map((genre) => element("option", genre)));
  byId("find").addEventListener("input", search);
  byId("file").addEventListener("change", () => { if (byId("file").files[0]) importFile(byId("file").files[0]); byId("file").value = ""; });
  for (const type of ["dragenter", "dragover"]) addEventListener(type, (event) => { event.preventDefault(); byId("drop").classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    if (event.dataTransfer.files[0]) importFile(event.dataTransfer.files[0]);
  });
  byId("filters").addEventListener("change", requestRecommendations);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("export").addEventListener("click", exportRatings);
  byId("clear").addEventListener("click", () => { ratings.clear(); byId("imported").replaceChildren(); onRatingsChange(); });
  byId("map").addEventListener("pointermove", showTooltip);
  byId("map").addEventListener("pointerleave", () => { byId("tip").style.display = "none"; });
  byId("map").addEventListener("click", (event) => {
    const row = nearestMovie(event);
    if (row === null) return;
    byId("find").value = movies.title[row];
    search();
    byId("find").focus();
  });
  addEventListener("resize", drawMap);
  requestRecommendations();
}

start().catch((error) => { byId("state").className = "status error"; byId("state").textContent = `The movies could not be loaded: ${error.message}`; });
