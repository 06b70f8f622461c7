"use strict";
// The user's data: kept in the browser on request, undone, imported and exported.
const STORAGE_KEY = "reelgraph";
const MAX_FILE_BYTES = 5e6;
// What "Undo" takes back: the data before and after the last action that changed much.
let lastAction = null;

// The ratings, the hidden movies and the watchlist, each as a map by row.
const copyState = () => [ratings, hidden, watchlist].map((part) => new Map(part.entries()));

function currentState() {
  const ids = (rows) => [...rows].map((row) => movies.id[row]);
  return {ratings: [...ratings].map(([row, {stars, time}]) => [movies.id[row], stars, time]), hidden: ids(hidden), watchlist: ids(watchlist)};
}

// Movies that the model no longer has are left out.
function applyState(state) {
  const known = (ids) => ids.map((id) => rowById.get(id)).filter((row) => row !== undefined);
  for (const part of [ratings, hidden, watchlist]) part.clear();
  for (const [id, stars, time] of state.ratings) if (rowById.has(id)) ratings.set(rowById.get(id), {stars, time});
  for (const row of known(state.hidden)) hidden.add(row);
  for (const row of known(state.watchlist)) watchlist.add(row);
}

function storeState() {
  try {
    if (byId("keep").checked) localStorage.setItem(STORAGE_KEY, JSON.stringify(currentState()));
    else localStorage.removeItem(STORAGE_KEY);
  } catch (error) {
    byId("keep").checked = false;
    byId("keep-state").textContent = `This browser stores nothing: ${error.message}`;
  }
}

function restoreState() {
  try {
    const stored = localStorage.getItem(STORAGE_KEY);
    if (stored === null) return;
    applyState(JSON.parse(stored));
    byId("keep").checked = true;
  } catch {
    byId("keep-state").textContent = "What this browser had stored could not be read.";
  }
}

// Two tabs that keep their ratings have the same ones.
function takeStateOfOtherTab({key, newValue}) {
  if (key !== STORAGE_KEY || !byId("keep").checked) return;
  if (newValue === null) { byId("keep").checked = false; return; }
  applyState(JSON.parse(newValue));
  onRatingsChange();
}

// Does an action that changes much. "Undo" takes it back.
function changeUndoably(name, action) {
  const before = copyState();
  action();
  lastAction = {before, after: copyState()};
  byId("undo").disabled = false;
  byId("undo").textContent = `Undo: ${name}`;
  onRatingsChange();
}

// Takes back what the action changed. What was changed later is kept, such as a rating that was made since.
function undo() {
  const {before, after} = lastAction, current = copyState();
  const isSame = (first, second) => JSON.stringify(first) === JSON.stringify(second);
  [ratings, hidden, watchlist].forEach((part, index) => {
    for (const row of new Set([...before[index].keys(), ...after[index].keys()])) {
      const [old, changed, now] = [before, after, current].map((state) => state[index].get(row));
      if (isSame(old, changed) || !isSame(changed, now)) continue;
      part.delete(row);
      if (old !== undefined) part === ratings ? ratings.set(row, old) : part.add(row);
    }
  });
  byId("undo").disabled = true;
  byId("undo").textContent = "Undo";
  onRatingsChange();
}

async function importFile(file) {
  const status = byId("imported");
  if (file.size > MAX_FILE_BYTES) {
    status.replaceChildren(element("p", "The file is larger than 5 MB. The command line reads files of up to 20 MB.", {className: "error"}));
    return;
  }
  status.replaceChildren(element("p", `Matching the movies of ${file.name}`));
  try {
    await loaded;
    const result = await post(`/api/import?scale=${byId("scale").value}`, file);
    const parts = [element("p", `${result.site}: ${result.ratings.length} of ${result.rows} rows matched.`),
      element("p", result.notes.join(" "))];
    if (result.watched.length + result.watchlist.length)
      parts.push(element("p", `${result.watched.length} watched movies are not recommended, ${result.watchlist.length} are on the watchlist.`));
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
    changeUndoably("Import", () => {
      for (const id of result.watched) hidden.add(rowById.get(id));
      for (const id of result.watchlist) watchlist.add(rowById.get(id));
      for (const [movie, stars, time] of result.ratings) { ratings.delete(rowById.get(movie)); ratings.set(rowById.get(movie), {stars, time}); }
    });
  } catch (error) {
    status.replaceChildren(element("p", error.message, {className: "error"}));
  }
}

// A row of a file whose title fits several movies: the choice rates one of them.
function movieChoice({line, title, stars, time, candidates}) {
  const item = element("li"), select = element("select");
  select.setAttribute("aria-label", `The movie of line ${line}: ${title}`);
  select.append(element("option", "choose a movie", {value: ""}));
  for (const id of candidates) {
    const row = rowById.get(id), count = movies.ratings[row];
    select.append(element("option", `${label(row)}, ${movies.genres[row].join(", ") || "no genre"}, ${count} ${count === 1 ? "rating" : "ratings"}`, {value: row}));
  }
  const rating = {stars, time};
  let chosen = null, earlier;
  select.addEventListener("change", () => {
    // Another choice takes this one back, unless the user has rated the movie since.
    if (chosen !== null && ratings.get(chosen) === rating) {
      ratings.delete(chosen);
      if (earlier) ratings.set(chosen, earlier);
    }
    chosen = select.value ? Number(select.value) : null;
    earlier = ratings.get(chosen);
    if (chosen !== null) ratings.set(chosen, rating);
    onRatingsChange();
  });
  item.append(element("span", `line ${line}: ${title}, ${formatStars(stars)}`), select);
  return item;
}

function exportRatings() {
  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const date = (time) => time === null ? "" : new Date(time * 1000).toISOString();
  // The id tells movies of one title and year apart.
  const id = (row) => quoted(movies.source_id[row] ?? String(movies.id[row]));
  const lines = [...ratings].map(([row, {stars, time}]) => `${date(time)},${quoted(movies.title[row])},${movies.year[row] ?? ""},,${stars},${id(row)}\n`);
  const link = element("a", "", {download: "ratings.csv"});
  link.href = URL.createObjectURL(new Blob(["Date,Name,Year,Letterboxd URI,Rating,movieId\n", ...lines], {type: "text/csv"}));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
