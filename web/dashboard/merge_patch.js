/**
 * JSON merge patch (RFC 7396): fields in the patch are replaced, null removes, the rest stays.
 * Neither argument is changed. Parts that the patch does not mention stay the same objects, so a
 * view can compare with `===` to see that nothing changed.
 * @param {unknown} target
 * @param {unknown} patch
 * @returns {unknown}
 */
export function mergePatch(target, patch) {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // A name like "__proto__" becomes an entry like any other.
  return Object.fromEntries(merged);
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
