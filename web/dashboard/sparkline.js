/** A small curve without axes; the numbers are shown beside it. */

const svg = 'http://www.w3.org/2000/svg';
const width = 240;
const height = 48;
const inset = 2;

/**
 * Points of the curve, the newest at the right edge. Pure.
 * @param {readonly number[]} values @param {number} capacity values that fill the whole width
 * @returns {string} for <polyline points>
 */
export function sparklinePoints(values, capacity) {
  const top = Math.max(...values, Number.MIN_VALUE);
  const step = (width - 2 * inset) / Math.max(1, capacity - 1);
  return values
    .map((value, i) => {
      const x = width - inset - (values.length - 1 - i) * step;
      const y = height - inset - (Math.max(0, value) / top) * (height - 2 * inset);
      return `${round(x)},${round(y)}`;
    })
    .join(' ');
}

/** @param {HTMLElement} host @param {readonly number[]} values @param {number} capacity */
export function drawSparkline(host, values, capacity) {
  const points = sparklinePoints(values, capacity);
  const [line, area] = shapesOf(host);
  const oldest = points.split(',', 1)[0];
  line.setAttribute('points', points);
  area.setAttribute('points', `${oldest},${height} ${points} ${width - inset},${height}`);
}

/** @param {HTMLElement} host */
function shapesOf(host) {
  const drawn = [...host.querySelectorAll('polyline, polygon')];
  if (drawn.length > 0) return drawn;
  const picture = document.createElementNS(svg, 'svg');
  picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('aria-hidden', 'true');
  const shapes = ['polyline', 'polygon'].map((name) => document.createElementNS(svg, name));
  picture.append(...shapes);
  host.append(picture);
  return shapes;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
