"use strict";
// The ratings are stored in this variable only: movie row → {stars, time}, in the order in which they were made.
// time is in Unix seconds, or null for an imported rating without a date.
const ratings = new Map();
const byId = (id) => document.getElementById(id);
let movies, rowById;
// Resolves when the movies have come. A file or a search from before waits for it.
const loaded = loadMovies();
let latestSearch = 0;
const MAX_RESULTS = 8;
// Rows of movies that are not recommended, because they were watched or are of no interest, and of the watchlist.
const hidden = new Set(), watchlist = new Set();
let listLength = 10;
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
  byId("export").disabled = byId("clear").disabled = ratings.size + hidden.size + watchlist.size === 0;
  byId("only-watchlist").disabled = watchlist.size === 0;
  if (!watchlist.size) byId("only-watchlist").checked = false;
  storeState();
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
  let ids = [], status = "";
  try {
    await loaded;
    if (query) {
      ids = (await post("/api/search", query)).movies;
      status = ids.length > MAX_RESULTS ? `The best ${MAX_RESULTS}` : `${ids.length} found`;
    }
  } catch (error) {
    status = error.message;
  }
  // A newer search may have begun.
  if (number !== latestSearch) return;
  byId("results").dataset.query = query;
  byId("result-count").textContent = status;
  byId("results").replaceChildren(...ids.slice(0, MAX_RESULTS).map((id) => movieItem(rowById.get(id))));
}

async function post(path, body) {
  const response = await fetch(path, {method: "POST", body, headers: {"Content-Type": "application/octet-stream"}})
    .catch(() => { throw new Error("The server does not respond. Start it again with `reelgraph serve`; your ratings are still here."); });
  const result = await response.json().catch(() => ({error: `The server responded with status ${response.status}.`}));
  if (!response.ok) throw new Error(result.error);
  return result;
}

// One request at a time; of the requests meanwhile, only the last is sent.
async function requestRecommendations() {
  if (requestRunning) { requestPending = true; return; }
  requestRunning = true;
  byId("recommendations").setAttribute("aria-busy", true);
  do {
    requestPending = false;
    await recommend();
  } while (requestPending);
  requestRunning = false;
  byId("recommendations").setAttribute("aria-busy", false);
}

// The number in an input; null if it is blank.
function wholeNumber(id) {
  const {value, validity, min, max, labels} = byId(id);
  if (!validity.valid) throw new Error(`${labels[0].textContent}: expected a whole number ${max ? `from ${min} to ${max}` : `of at least ${min}`}.`);
  return value === "" ? null : Number(value);
}

async function recommend() {
  const count = ratings.size;
  const ids = (rows) => [...rows].map((row) => movies.id[row]);
  try {
    const filters = {genres: byId("genre").value ? [byId("genre").value] : [], since: wholeNumber("since"),
      max_runtime: wholeNumber("max-runtime"), exclude_popular: byId("exclude-popular").checked};
    const request = {ratings: [...ratings].map(([row, {stars, time}]) => [movies.id[row], stars, time]), top: listLength, filters,
      without: ids(hidden), only: byId("only-watchlist").checked ? ids(watchlist) : null, diverse: byId("diverse").checked};
    const result = await post("/api/recommend", JSON.stringify(request));
    recommendations = result.recommendations;
    scores = Uint8Array.from(atob(result.scores), (character) => character.charCodeAt(0));
    byId("state").className = "status";
    byId("state").textContent = result.reason_for_none || (count ? `${recommendations.length} for your ${count} ${count === 1 ? "rating" : "ratings"}`
      : "Highest predictions for a user without ratings. Rate movies to personalise them.");
    byId("recommendations").replaceChildren(...recommendations.map(recommendationItem));
    byId("more").hidden = recommendations.length < listLength || listLength >= 100;
    showProfile(result);
  } catch (error) {
    byId("state").className = "status error";
    byId("state").textContent = error.message;
  }
  drawMap();
}

function recommendationItem(prediction) {
  const {movie_id, stars, prediction_set, ratings, reasons, watched} = prediction;
  const line = element("div", "", {className: "prediction"});
  if (prediction_set) line.append(setPlot(prediction));
  const ranges = prediction_set?.map(([low, high]) => low === high ? `${low}` : `${low} to ${high}`).join(", ");
  line.append(element("span", `${stars.toFixed(2)} stars` + (ranges ? `, 80 % likely ${ranges}` : "")));
  const lines = reasons.map(({title, stars, contribution, shared, same_audience}) =>
    `${contribution < 0 ? "−" : "+"}${Math.abs(contribution).toFixed(2)} ${contribution < 0 ? "but " : ""}you rated ${title} ${stars}` +
    ` (${[...shared, ...(same_audience ? ["the same audience"] : [])].join(", ")})`);
  if (watched.length) lines.unshift(`People who watched ${watched.map(({title}) => title).join(" and ")} also watch it.`);
  if (!ratings) lines.unshift("No training ratings: this rests on its text and graph alone.");
  const row = rowById.get(movie_id);
  return movieItem(row, null, line, ...lines.map((text) => element("p", text, {className: "reason"})), actions(row));
}

// The buttons of a recommendation: details, watchlist, not interested.
function actions(row) {
  const bar = element("p", "", {className: "actions"}), details = element("div", "", {className: "details"});
  const button = (text, name, onClick) => {
    const node = element("button", text, {type: "button"});
    node.setAttribute("aria-label", `${name}: ${label(row)}`);
    node.addEventListener("click", () => onClick(node));
    bar.append(node);
    return node;
  };
  button("Details", "Details", async (node) => {
    const isOpen = details.childElementCount > 0;
    node.setAttribute("aria-expanded", !isOpen);
    details.replaceChildren(...(isOpen ? [] : await movieDetails(row)));
  }).setAttribute("aria-expanded", false);
  const update = (node) => {
    node.textContent = watchlist.has(row) ? "On the watchlist" : "Watchlist";
    node.setAttribute("aria-pressed", watchlist.has(row));
  };
  update(button("", "Watchlist", (node) => {
    if (!watchlist.delete(row)) watchlist.add(row);
    update(node);
    onRatingsChange();
  }));
  button("Not interested", "Not interested", () => {
    changeUndoably("Not interested", () => hidden.add(row));
    byId("recommended").focus();
  });
  const box = element("div", "", {className: "wide-cell"});
  box.append(bar, details);
  return box;
}

async function movieDetails(row) {
  try {
    const {overview, tagline, director, cast, links, has_poster} = await post("/api/details", String(movies.id[row]));
    const lines = [tagline, overview, movies.runtime[row] && `${movies.runtime[row]} minutes`, director && `Director: ${director}`, cast.length && `Cast: ${cast.join(", ")}`];
    const nodes = lines.filter(Boolean).map((text) => element("p", text));
    for (const [site, address] of Object.entries(links)) nodes.push(element("a", site, {href: address, target: "_blank", rel: "noopener noreferrer"}), " ");
    nodes.unshift(...(has_poster ? [posterImage(row)] : []));
    return nodes.length ? nodes : [element("p", "Nothing else is known of it.")];
  } catch (error) {
    return [element("p", error.message, {className: "error"})];
  }
}

// An image that appears when the poster has come, if there is one.
function posterImage(row) {
  const image = element("img", "", {className: "poster", alt: `Poster of ${label(row)}`, hidden: true});
  post("/api/poster", String(movies.id[row])).then((answer) => {
    if (!answer.image) return;
    image.src = answer.image;
    image.hidden = false;
  }).catch((error) => image.replaceWith(element("p", error.message, {className: "error"})));
  return image;
}

// How the user rates, and what the user likes more than others do.
function showProfile({user, profile}) {
  const amount = (value) => `${Math.abs(value).toFixed(1)} stars ${value < 0 ? "lower" : "higher"}`, lines = [];
  if (user && ratings.size) lines.push((Math.abs(user.level) < 0.05 ? "You rate as others do" : `You rate ${amount(user.level)} than others`) +
    (Math.abs(user.drift) < 0.05 ? "." : `; your last ratings were ${amount(user.drift)} than your usual ones, which is left out of the predictions.`));
  for (const [name, entries] of Object.entries(profile)) {
    if (entries.length) lines.push(`${name[0].toUpperCase()}${name.slice(1)} that you like more than others do: ` +
      entries.map((entry) => `${entry.name} +${entry.difference.toFixed(1)}`).join(", "));
  }
  byId("profile").replaceChildren(...lines.map((text) => element("p", text)));
}

function setPlot({stars, prediction_set}) {
  const namespace = "http://www.w3.org/2000/svg", svg = document.createElementNS(namespace, "svg");
  const x = (value) => 5 + (value - 0.5) / 4.5 * 90;
  svg.setAttribute("viewBox", "0 0 100 10");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of [["line", {x1: 5, x2: 95, y1: 5, y2: 5}],
    ...prediction_set.map(([low, high]) => ["rect", {x: x(low) - 2, width: x(high) - x(low) + 4, y: 2, height: 6, rx: 3}]),
    ["circle", {cx: x(stars), cy: 5, r: 3}]]) {
    const shape = document.createElementNS(namespace, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}

async function loadMovies() {
  movies = await (await fetch("/api/movies")).json();
  rowById = new Map(movies.id.map((id, row) => [id, row]));
}

async function start() {
  byId("filter-box").open = innerWidth > 640;
  byId("find").addEventListener("input", search);
  byId("file").addEventListener("change", () => { if (byId("file").files[0]) importFile(byId("file").files[0]); byId("file").value = ""; });
  for (const type of ["dragenter", "dragover"]) addEventListener(type, (event) => { event.preventDefault(); byId("drop").classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    byId("drop").classList.remove("over");
    if (event.dataTransfer.files[0]) importFile(event.dataTransfer.files[0]);
  });
  await loaded;
  const genres = [...new Set(movies.genres.flat())].sort();
  byId("genre").append(...genres.map((genre) => element("option", genre)));
  byId("max-runtime").parentElement.hidden = !movies.runtime.some(Boolean);
  byId("filters").addEventListener("change", requestRecommendations);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("export").addEventListener("click", exportRatings);
  byId("clear").addEventListener("click", () => {
    byId("imported").replaceChildren();
    changeUndoably("Clear", () => { for (const part of [ratings, hidden, watchlist]) part.clear(); });
  });
  byId("undo").addEventListener("click", undo);
  byId("keep").addEventListener("change", storeState);
  addEventListener("storage", takeStateOfOtherTab);
  byId("more").addEventListener("click", () => { listLength += 10; requestRecommendations(); });
  startMap();
  addEventListener("resize", drawMap);
  restoreState();
  onRatingsChange();
}

start().catch((error) => { byId("state").className = "status error"; byId("state").textContent = `The movies could not be loaded: ${error.message}`; });
