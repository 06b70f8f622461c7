"use strict";
// The map of all movies: brightness by prediction, rings for ratings, crosses for recommendations.
// The part of the map that is shown: magnification, and the shift of its centre in units of the canvas.
const view = {scale: 1, x: 0, y: 0};
let positions = [];
function drawMap() {
  const canvas = byId("map"), scale = devicePixelRatio || 1, context = canvas.getContext("2d");
  const width = canvas.width = canvas.clientWidth * scale, height = canvas.height = canvas.clientHeight * scale;
  const style = getComputedStyle(document.documentElement);
  const [dim, bright] = ["--dim", "--bright"].map((name) => style.getPropertyValue(name).split(",").map(Number));
  const range = (values) => [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [left, right] = range(movies.x), [low, high] = range(movies.y), border = 12 * scale;
  const zoom = view.scale * Math.min((width - 2 * border) / (right - left || 1), (height - 2 * border) / (high - low || 1));
  positions = movies.x.map((x, row) => [(x - (left + right) / 2) * zoom + (0.5 + view.x) * width,
    (0.5 + view.y) * height - (movies.y[row] - (low + high) / 2) * zoom]);
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

// Magnify about a point of the canvas, given in its units.
function zoomMap(factor, x = 0.5, y = 0.5) {
  const scale = Math.max(1, Math.min(40, view.scale * factor)), ratio = scale / view.scale;
  view.x = scale === 1 ? 0 : (view.x + 0.5 - x) * ratio + x - 0.5;
  view.y = scale === 1 ? 0 : (view.y + 0.5 - y) * ratio + y - 0.5;
  view.scale = scale;
  drawMap();
}

function startMap() {
  const canvas = byId("map");
  let dragged = null;
  canvas.addEventListener("pointermove", (event) => {
    if (dragged === null) { showTooltip(event); return; }
    const box = canvas.getBoundingClientRect();
    view.x += (event.clientX - dragged[0]) / box.width;
    view.y += (event.clientY - dragged[1]) / box.height;
    dragged = [event.clientX, event.clientY];
    drawMap();
  });
  canvas.addEventListener("pointerleave", () => { byId("tip").style.display = "none"; dragged = null; });
  canvas.addEventListener("pointerdown", (event) => { if (view.scale > 1) dragged = [event.clientX, event.clientY]; });
  addEventListener("pointerup", () => { dragged = null; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoomMap(event.deltaY < 0 ? 1.3 : 1 / 1.3, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, {passive: false});
  canvas.addEventListener("click", (event) => {
    const row = nearestMovie(event);
    if (row === null) return;
    byId("find").value = movies.title[row];
    search();
    byId("find").focus();
  });
  byId("zoom-in").addEventListener("click", () => zoomMap(1.5));
  byId("zoom-out").addEventListener("click", () => zoomMap(1 / 1.5));
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
