/** Formats numbers for people. Negative and unknown numbers are shown as a dash. */

const unknown = '–';

/** @param {unknown} value @returns {value is number} */
function isKnown(value) {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** 1234567 -> "1,234,567". @param {unknown} value */
export function formatCount(value) {
  if (!isKnown(value)) return unknown;
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Three figures at least: 0.042, 7.35, 812, 12,400. @param {unknown} value */
export function formatRate(value) {
  if (!isKnown(value)) return unknown;
  if (value === 0) return '0';
  if (value < 0.001) return '<0.001';
  if (value < 100) return String(Number(value.toPrecision(3)));
  return formatCount(value < 10_000 ? value : Number(value.toPrecision(3)));
}

/** Of 0..1: "37%"; it says 100% only when that is true. @param {unknown} value */
export function formatShare(value) {
  if (!isKnown(value)) return unknown;
  const percent = value >= 1 ? 100 : Math.min(99, Math.floor(value * 100));
  return `${percent}%`;
}

/** "12 s", "3 min 05 s", "2 h 07 min", "4 d 3 h". @param {unknown} seconds */
export function formatDuration(seconds) {
  if (!isKnown(seconds)) return unknown;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(whole / unit));
  if (hours < 1) return `${minutes} min ${twoDigits(whole % 60)} s`;
  if (days < 1) return `${hours} h ${twoDigits(minutes % 60)} min`;
  return `${days} d ${hours % 24} h`;
}

/** @param {unknown} bytes 0 means unknown, as on the wire */
export function formatBytes(bytes) {
  if (!isKnown(bytes) || bytes === 0) return unknown;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** "1 task", "2 tasks". @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** @param {number} value */
function twoDigits(value) {
  return String(value).padStart(2, '0');
}
