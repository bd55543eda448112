// How a cluster's number becomes a color and a shape.

// Okabe and Ito 2008, the colors that are easiest to tell apart first
const HUES = [
  [0, 114, 178], // blue
  [230, 159, 0], // orange
  [0, 158, 115], // bluish green
  [204, 121, 167], // reddish purple
  [86, 180, 233], // sky blue
  [213, 94, 0], // vermilion
  [240, 228, 66], // yellow
  [0, 0, 0], // black
];
const BLACK = 7;
const WHITE_STAND_IN = [240, 240, 240]; // for black on a dark background
const NOISE = { light: [128, 128, 128], dark: [150, 150, 150] };
const SHADES = [0, -0.4, 0.45, -0.65]; // away from a light background (negative) or towards it
const GRAYS = [0, 0.35, 0.55, 0.7]; // black can only grow lighter, its stand-in only darker

export const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "wedge"];

const mix = (color, other, share) => color.map((value, channel) => Math.round(value + (other[channel] - value) * share));

function shaded(color, amount) {
  return mix(color, amount < 0 ? [0, 0, 0] : [255, 255, 255], Math.abs(amount));
}

function gray(amount, dark) {
  return dark ? mix(WHITE_STAND_IN, [0, 0, 0], amount) : mix(HUES[BLACK], [255, 255, 255], amount);
}

/** The look of a cluster's points.
 *
 * number: the cluster's color number, -1 for noise. dark: whether the background is dark. marked: whether shapes tell
 * the first eight apart, too.  Beyond eight, hues come again with another shape and shade, all different below 96.
 */
export function look(number, { dark, marked }) {
  if (number < 0) return { shape: "ring", fill: NOISE[dark ? "dark" : "light"], edge: null };
  const hue = number % HUES.length;
  const round = Math.floor(number / HUES.length);
  const fill = hue === BLACK ? gray(GRAYS[round % GRAYS.length], dark) : shaded(HUES[hue], SHADES[round % SHADES.length] * (dark ? -1 : 1));
  return {
    shape: SHAPES[(marked ? round + hue : round) % SHAPES.length],
    fill,
    edge: mix(fill, [0, 0, 0], dark ? 0.55 : 0.35),
  };
}
