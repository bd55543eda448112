// Draws a grouping: every point is stamped into the canvas's pixels, in the picture's sequence.
// Plain pixel arithmetic, because it keeps the sequence across colors and draws 100 000 points in a few milliseconds.

import { look } from "./palette.js";

const FINE = 4; // samples per pixel and axis when a stamp is made
const EDGED = 2.4; // smallest radius in device pixels whose points get a darker edge
const HOLLOW = 1.7; // smallest radius in device pixels that can look hollow

/** How far a place is from a shape's border, in units of its radius; negative inside. */
const OUTSIDE = {
  circle: (x, y) => Math.hypot(x, y) - 0.95,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.82,
  diamond: (x, y) => (Math.abs(x) + Math.abs(y) - 1.15) * Math.SQRT1_2,
  triangle: (x, y) => Math.max(y - 0.7, Math.abs(x) * 0.89 - y * 0.45 - 0.5),
  wedge: (x, y) => Math.max(-y - 0.7, Math.abs(x) * 0.89 + y * 0.45 - 0.5),
  cross: (x, y) => Math.max(Math.min(Math.abs(x), Math.abs(y)) - 0.36, Math.max(Math.abs(x), Math.abs(y)) - 0.98),
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.78) - 0.2,
};

/** The pixels that one point covers. radius and width in device pixels; offsets count from the point's own pixel. */
function stamp({ shape, fill, edge }, radius, width) {
  const outside = OUTSIDE[shape];
  const reach = Math.ceil(radius);
  const border = edge && radius >= EDGED ? Math.max(0.9, radius * 0.22) / radius : 0;
  const offsets = [];
  const alphas = [];
  const colors = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      let inner = 0;
      let outer = 0;
      for (let s = 0; s < FINE * FINE; s++) {
        const x = (dx - 0.5 + ((s % FINE) + 0.5) / FINE) / radius;
        const y = (dy - 0.5 + (Math.floor(s / FINE) + 0.5) / FINE) / radius;
        const away = outside(x, y);
        if (away <= -border) inner++;
        else if (away <= 0) outer++;
      }
      const covered = inner + outer;
      if (!covered) continue;
      const color = fill.map((value, channel) => (inner * value + outer * (edge ?? fill)[channel]) / covered);
      offsets.push(dy * width + dx);
      alphas.push(covered / (FINE * FINE));
      colors.push((255 << 24) | (Math.round(color[2]) << 16) | (Math.round(color[1]) << 8) | Math.round(color[0]));
    }
  }
  return { offsets: Int32Array.from(offsets), alphas: Float32Array.from(alphas), colors: Uint32Array.from(colors) };
}

/** Mix a color over a pixel. */
function over(below, above, alpha) {
  const red = (below & 255) + ((above & 255) - (below & 255)) * alpha;
  const green = ((below >> 8) & 255) + (((above >> 8) & 255) - ((below >> 8) & 255)) * alpha;
  const blue = ((below >> 16) & 255) + (((above >> 16) & 255) - ((below >> 16) & 255)) * alpha;
  return (255 << 24) | (blue << 16) | (green << 8) | red;
}

/** The radius of a point in CSS pixels: they cover a fixed share of the plot, within what an eye can use. */
function radiusFor(n, width, height) {
  return Math.min(4.6, Math.max(0.8, 0.3 * Math.sqrt((width * height) / n)));
}

/** Which pixel each point is in: the same for every grouping drawn at that size. */
function pixels({ x, y, box }, count, width, height, margin) {
  const wide = box.right - box.left || 1;
  const high = box.high - box.low || 1;
  const scale = Math.min((width - 2 * margin) / wide, (height - 2 * margin) / high);
  const left = (width - scale * wide) / 2;
  const top = (height - scale * high) / 2;
  const found = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const column = Math.floor(left + (x[i] - box.left) * scale);
    const line = Math.floor(top + (box.high - y[i]) * scale);
    found[i] = line * width + column;
  }
  return found;
}

/** Draw one row of a picture into a canvas as large as its box on the page.
 *
 * most: draw only so many points, the first of the sequence, which is random.
 */
export function draw(canvas, picture, row, most = Infinity) {
  const ratio = window.devicePixelRatio || 1;
  const [cssWidth, cssHeight] = [canvas.clientWidth, canvas.clientHeight];
  const width = Math.round(cssWidth * ratio);
  const height = Math.round(cssHeight * ratio);
  if (!width || !height) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d", { alpha: false });
  const count = Math.min(picture.n, most);
  const radius = radiusFor(count, cssWidth, cssHeight) * ratio;
  const noiseRadius = Math.max(radius, HOLLOW);
  const back = getComputedStyle(canvas).backgroundColor.match(/[\d.]+/g).slice(0, 3).map(Number);
  const dark = back[0] + back[1] + back[2] < 384;
  const marked = matchMedia("(prefers-contrast: more), (forced-colors: active)").matches;

  const image = context.createImageData(width, height);
  const target = new Uint32Array(image.data.buffer);
  target.fill((255 << 24) | (back[2] << 16) | (back[1] << 8) | back[0]);
  const margin = Math.ceil(noiseRadius) + Math.round(8 * ratio);
  const places = pixels(picture, count, width, height, margin);
  const labels = picture.labels(row);
  const stamps = new Map();
  for (let i = 0; i < count; i++) {
    const label = labels[i];
    let used = stamps.get(label);
    if (!used) {
      used = stamp(look(label, { dark, marked }), label < 0 ? noiseRadius : radius, width);
      stamps.set(label, used);
    }
    const { offsets, alphas, colors } = used;
    for (let k = 0; k < offsets.length; k++) {
      const at = places[i] + offsets[k];
      target[at] = alphas[k] === 1 ? colors[k] : over(target[at], colors[k], alphas[k]);
    }
  }
  context.putImageData(image, 0, 0);
}

/** Call back when something that a drawing depends on has changed: its size, the theme, the resolution.
 *
 * Returns a function that ends it.
 */
export function watch(canvases, redraw) {
  let asked = 0;
  const later = () => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(redraw);
  };
  const observer = new ResizeObserver(later);
  for (const canvas of canvases) observer.observe(canvas);
  const conditions = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"];
  const queries = conditions.map((condition) => matchMedia(condition));
  for (const query of queries) query.addEventListener("change", later);
  return () => {
    cancelAnimationFrame(asked);
    observer.disconnect();
    for (const query of queries) query.removeEventListener("change", later);
  };
}
