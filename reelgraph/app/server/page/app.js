"use strict";
// Your ratings live in this variable and nowhere else: movie row → stars, in the order given.
const mine = new Map();
const at = (id) => document.getElementById(id);
let movies, keys, rowOf, scores = null, found = [], asked = 0, waiting = null;

const key = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/&/g, "and")
  .replace(/[^\p{L}\p{N}]+/gu, " ").trim();
const name = (row) => movies.year[row] === null ? movies.title[row] : `${movies.title[row]} (${movies.year[row]})`;
const words = (stars) => `${stars} ${stars === 1 ? "star" : "stars"}`;

function element(tag, text, given = {}) {
  const made = Object.assign(document.createElement(tag), given);
  if (text) made.textContent = text;
  return made;
}

// A slider of ten half stars: click, tap, arrow keys, Home, End, digits; Delete takes the rating back.
function stars(row) {
  const box = element("span", "", {className: "stars"}), slider = element("span", "", {tabIndex: 0});
  slider.setAttribute("role", "slider");
  slider.setAttribute("aria-valuemin", 0);
  slider.setAttribute("aria-valuemax", 5);
  slider.setAttribute("aria-label", `Your stars for ${name(row)}`);
  const show = () => {
    const given = mine.get(row) ?? 0;
    slider.style.setProperty("--given", given);
    slider.setAttribute("aria-valuenow", given);
    slider.setAttribute("aria-valuetext", given ? words(given) : "not rated");
  };
  slider.addEventListener("click", (event) => {
    const place = slider.getBoundingClientRect();
    give(row, Math.min(5, Math.max(0.5, Math.ceil((event.clientX - place.left) / place.width * 10) / 2)));
  });
  slider.addEventListener("keydown", (event) => {
    const given = mine.get(row) ?? 0;
    const step = {ArrowRight: given + 0.5, ArrowUp: given + 0.5, ArrowLeft: given - 0.5, ArrowDown: given - 0.5,
      Home: 0.5, End: 5}[event.key] ?? (/^[1-5]$/.test(event.key) ? Number(event.key) : null);
    if (event.key === "Delete" || event.key === "Backspace") give(row, 0);
    else if (step === null) return;
    else give(row, Math.min(5, Math.max(0.5, step)));
    event.preventDefault();
  });
  box.append(slider);
  show();
  box.show = show;
  box.dataset.row = row;
  return box;
}

function give(row, value) {
  const focused = document.activeElement, list = focused?.closest?.(".movies")?.id;
  mine.delete(row);
  if (value) mine.set(row, value);
  changed();
  // What was rebuilt takes the focus back.
  if (list) at(list).querySelector(`[data-row="${row}"] [role=slider]`)?.focus();
}

function changed() {
  at("export").disabled = at("clear").disabled = mine.size === 0;
  at("mine").replaceChildren(...[...mine.keys()].reverse().map((row) => {
    const box = stars(row), remove = element("button", "×", {type: "button"});
    remove.setAttribute("aria-label", `Take back your rating of ${name(row)}`);
    remove.addEventListener("click", () => give(row, 0));
    box.append(remove);
    return item(row, box);
  }));
  for (const box of document.querySelectorAll("#hits .stars, #found .stars")) box.show();
  ask();
}

function item(row, box, ...more) {
  const made = element("li"), title = element("span");
  title.append(element("b", movies.title[row]), " ");
  title.append(element("small", [movies.year[row], movies.genre[row]].filter(Boolean).join(", ")));
  made.append(title, box ?? stars(row), ...more);
  return made;
}

function search() {
  const typed = key(at("find").value);
  if (!typed) { at("hits").replaceChildren(); at("told").textContent = ""; return; }
  const hits = [];
  for (let row = 0; row < keys.length; row++) {
    const place = ` ${keys[row]}`.indexOf(` ${typed}`);
    if (place >= 0) hits.push([keys[row] === typed ? -2 : place ? 0 : -1, -movies.ratings[row], row]);
  }
  hits.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  at("told").textContent = `${hits.length} found`;
  at("hits").replaceChildren(...hits.slice(0, 8).map(([, , row]) => item(row)));
}

async function post(path, body) {
  const answer = await fetch(path, {method: "POST", body, headers: {"Content-Type": "application/octet-stream"}});
  const said = await answer.json().catch(() => ({error: `the server answered ${answer.status}`}));
  if (!answer.ok) throw new Error(said.error);
  return said;
}

// One question at a time; while it is under way, only the newest waits.
async function ask() {
  if (asked) { waiting = true; return; }
  asked = 1;
  do {
    waiting = false;
    await recommend();
  } while (waiting);
  asked = 0;
}

async function recommend() {
  const since = Number(at("since").value), count = mine.size;
  const question = {ratings: [...mine].map(([row, given]) => [movies.id[row], given]), top: 10, genre: at("genre").value || null,
    since: since >= 1800 && since <= 2200 ? since : null, exclude_popular: at("rare").checked, diverse: at("diverse").checked};
  try {
    const said = await post("/api/recommend", JSON.stringify(question));
    found = said.recommendations;
    scores = Uint8Array.from(atob(said.scores), (sign) => sign.charCodeAt(0));
    at("state").className = "told";
    at("state").textContent = count ? `${found.length} for your ${count} ${count === 1 ? "rating" : "ratings"}`
      : "What most people like; give stars to see what you would.";
    at("found").replaceChildren(...found.map(told));
  } catch (error) {
    at("state").className = "told bad";
    at("state").textContent = error.message;
  }
  draw();
}

function told(each) {
  const row = rowOf.get(each.movie_id), range = element("div", "", {className: "range"});
  if (each.low !== null) range.append(band(each));
  range.append(element("span", `${each.stars.toFixed(2)} stars` + (each.low === null ? "" : `, 80 % from ${each.low} to ${each.high}`)));
  const why = each.reasons.map((reason) => `${reason.added < 0 ? "−" : "+"}${Math.abs(reason.added).toFixed(2)} ${reason.title}, ` +
    `you gave ${reason.gave}` + (reason.shared.length ? ` (${reason.shared.join(", ")})` : ""));
  return item(row, null, range, ...why.map((text) => element("p", text, {className: "why"})));
}

function band(each) {
  const space = "http://www.w3.org/2000/svg", made = document.createElementNS(space, "svg");
  const x = (value) => 5 + (value - 0.5) / 4.5 * 90;
  made.setAttribute("viewBox", "0 0 100 10");
  made.setAttribute("aria-hidden", "true");
  for (const [kind, given] of [["line", {x1: 5, x2: 95, y1: 5, y2: 5}],
    ["rect", {x: x(each.low) - 2, width: x(each.high) - x(each.low) + 4, y: 2, height: 6, rx: 3}],
    ["circle", {cx: x(each.stars), cy: 5, r: 3}]]) {
    const part = document.createElementNS(space, kind);
    for (const [attribute, value] of Object.entries(given)) part.setAttribute(attribute, value);
    made.append(part);
  }
  return made;
}

async function read(file) {
  const place = at("imported");
  if (file.size > 5e6) { place.replaceChildren(element("p", "The file is larger than 5 MB.", {className: "bad"})); return; }
  place.replaceChildren(element("p", `Looking for the movies of ${file.name}`));
  try {
    const said = await post("/api/import", file);
    const halved = said.scale === 10 ? " Ratings of 1 to 10 were halved." : "";
    const parts = [element("p", `${said.site}: ${said.ratings.length} of ${said.rows} rows matched.${halved}`)];
    if (said.not_matched.length) {
      const folded = element("details"), list = element("ul");
      folded.append(element("summary", `${said.not_matched.length} not matched`), list);
      list.append(...said.not_matched.map((each) => element("li", `line ${each.line}: ${each.title || "–"}: ${each.why}`)));
      parts.push(folded);
    }
    place.replaceChildren(...parts);
    for (const [movie, given] of said.ratings) { mine.delete(rowOf.get(movie)); mine.set(rowOf.get(movie), given); }
    changed();
  } catch (error) {
    place.replaceChildren(element("p", error.message, {className: "bad"}));
  }
}

function written() {
  const quoted = (text) => /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const today = new Date().toISOString().slice(0, 10);
  const lines = [...mine].map(([row, given]) => `${today},${quoted(movies.title[row])},${movies.year[row] ?? ""},,${given}\n`);
  const link = element("a", "", {download: "ratings.csv"});
  link.href = URL.createObjectURL(new Blob(["Date,Name,Year,Letterboxd URI,Rating\n", ...lines], {type: "text/csv"}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

let places = [];
function draw() {
  const canvas = at("map"), scale = devicePixelRatio || 1, paint = canvas.getContext("2d");
  const width = canvas.width = canvas.clientWidth * scale, height = canvas.height = canvas.clientHeight * scale;
  const style = getComputedStyle(document.documentElement);
  const [dim, bright] = ["--dim", "--bright"].map((each) => style.getPropertyValue(each).split(",").map(Number));
  const edge = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [left, right] = edge(movies.x), [low, high] = edge(movies.y), border = 12 * scale;
  const zoom = Math.min((width - 2 * border) / (right - left || 1), (height - 2 * border) / (high - low || 1));
  places = movies.x.map((x, row) => [(x - (left + right) / 2) * zoom + width / 2, height / 2 - (movies.y[row] - (low + high) / 2) * zoom]);
  const dot = Math.max(1, Math.min(2.5, 60 / Math.sqrt(places.length))) * scale;
  const order = scores === null ? null : Float32Array.from(scores).sort();
  const rows = [...places.keys()];
  if (scores !== null) rows.sort((a, b) => scores[a] - scores[b]);
  for (const row of rows) {
    // Brightness is the place among all movies, squared: the best tenth stands out.
    let share = 0;
    if (order !== null) {
      const span = order[order.length - 1] - order[order.length >> 1] || 1;
      share = Math.max(0, Math.min(1, (scores[row] - order[order.length >> 1]) / span)) ** 1.5;
    }
    paint.fillStyle = `rgb(${dim.map((part, i) => Math.round(part + (bright[i] - part) * share)).join(",")})`;
    paint.beginPath();
    paint.arc(...places[row], dot * (1 + share), 0, 7);
    paint.fill();
  }
  paint.strokeStyle = style.getPropertyValue("--accent");
  paint.lineWidth = 2 * scale;
  for (const row of mine.keys()) { paint.beginPath(); paint.arc(...places[row], 6 * scale, 0, 7); paint.stroke(); }
  paint.strokeStyle = style.getPropertyValue("--ink");
  for (const each of mine.size ? found : []) {
    const [x, y] = places[rowOf.get(each.movie_id)], arm = 5 * scale;
    paint.beginPath();
    paint.moveTo(x - arm, y - arm); paint.lineTo(x + arm, y + arm); paint.moveTo(x + arm, y - arm); paint.lineTo(x - arm, y + arm);
    paint.stroke();
  }
  canvas.dataset.lit = scores === null ? 0 : mine.size;
}

function nearest(event) {
  const canvas = at("map"), place = canvas.getBoundingClientRect(), scale = canvas.width / place.width;
  const x = (event.clientX - place.left) * scale, y = (event.clientY - place.top) * scale;
  let best = null, gap = (12 * scale) ** 2;
  places.forEach(([px, py], row) => { const far = (px - x) ** 2 + (py - y) ** 2; if (far < gap) [best, gap] = [row, far]; });
  return best;
}

function point(event) {
  const row = nearest(event), tip = at("tip"), place = at("map").getBoundingClientRect();
  tip.style.display = row === null ? "none" : "block";
  if (row === null) return;
  tip.textContent = name(row) + (scores === null ? "" : `, ${(scores[row] / 50).toFixed(1)} predicted`);
  const right = event.clientX - place.left;
  tip.style.left = `${Math.max(0, Math.min(right + 10, place.width - tip.offsetWidth))}px`;
  tip.style.top = `${event.clientY - place.top + 14}px`;
}

async function start() {
  movies = await (await fetch("/api/movies")).json();
  keys = movies.title.map(key);
  rowOf = new Map(movies.id.map((id, row) => [id, row]));
  const genres = [...new Set(movies.genre.filter(Boolean))].sort();
  at("genre").append(...genres.map((genre) => element("option", genre)));
  at("find").addEventListener("input", search);
  at("file").addEventListener("change", () => { if (at("file").files[0]) read(at("file").files[0]); at("file").value = ""; });
  for (const kind of ["dragenter", "dragover"]) addEventListener(kind, (event) => { event.preventDefault(); at("drop").classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) at("drop").classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("drop").classList.remove("over");
    if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
  });
  at("filters").addEventListener("change", ask);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("export").addEventListener("click", written);
  at("clear").addEventListener("click", () => { mine.clear(); at("imported").replaceChildren(); changed(); });
  at("map").addEventListener("pointermove", point);
  at("map").addEventListener("pointerleave", () => { at("tip").style.display = "none"; });
  at("map").addEventListener("click", (event) => {
    const row = nearest(event);
    if (row === null) return;
    at("find").value = movies.title[row];
    search();
    at("find").focus();
  });
  addEventListener("resize", draw);
  ask();
}

start().catch((error) => { at("state").className = "told bad"; at("state").textContent = `The movies could not be loaded: ${error.message}`; });
