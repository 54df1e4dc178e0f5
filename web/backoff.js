export const backoffSecondsMin = 0.5;
export const backoffSecondsMax = 30;

/**
 * Seconds to wait before attempt `attempt` (from 0) after a failure: exponential backoff with a
 * jitter of ±25 %, so that a thousand tabs do not reconnect at the same instant.
 * @param {number} attempt
 * @param {number} random 0 <= random < 1
 */
export function backoffSeconds(attempt, random) {
  const doubled = backoffSecondsMin * 2 ** Math.min(attempt, 10);
  const jittered = doubled * (0.75 + random / 2);
  return Math.min(backoffSecondsMax, Math.max(backoffSecondsMin, jittered));
}
