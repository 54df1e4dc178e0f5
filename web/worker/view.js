/**
 * The link's status in plain words. Pure, so that every state's words are tested.
 *
 * @typedef {import('./messages.js').LinkStatus} LinkStatus
 * @typedef {'busy' | 'ready' | 'waiting' | 'trouble'} Tone
 * @typedef {{title: string, detail: string, tone: Tone, asksToken: boolean,
 *            canRetry: boolean}} View
 */

/** @param {LinkStatus} status @returns {View} */
export function describe(status) {
  return { asksToken: false, canRetry: false, ...words(status) };
}

/**
 * @param {LinkStatus} status
 * @returns {{title: string, detail: string, tone: Tone, asksToken?: boolean, canRetry?: boolean}}
 */
function words(status) {
  const { phase, reason, paused, problem } = status;
  if (phase === 'refused') return refusedWords(status);
  if (problem && status.slotsBusy === 0) {
    return {
      title: 'Cannot compute',
      detail: `${sentence(problem)} Trying again.`,
      tone: 'trouble',
    };
  }
  if (paused) return pausedWords(status);
  switch (phase) {
    case 'waiting':
      return {
        title: 'Master unreachable',
        detail: `${sentence(reason)} Trying again ${inSeconds(status.retrySeconds)}.`,
        tone: 'trouble',
        canRetry: true,
      };
    case 'joined':
      return joinedWords(status);
    case 'left':
      return { title: 'Left', detail: 'This PC takes no work.', tone: 'waiting', canRetry: true };
    default:
      return {
        title: 'Connecting',
        detail: 'Loading the kernels and connecting to the master.',
        tone: 'waiting',
      };
  }
}

/** @param {LinkStatus} status @returns {ReturnType<typeof words>} */
function joinedWords({ slots, slotsBusy }) {
  if (slotsBusy === 0) {
    return {
      title: 'Waiting for work',
      detail: 'Connected. The master has no task for this PC right now.',
      tone: 'ready',
    };
  }
  return {
    title: 'Computing',
    detail: `${slotsBusy} of ${slots} ${slots === 1 ? 'core' : 'cores'} at work.`,
    tone: 'busy',
  };
}

/** @param {LinkStatus} status @returns {ReturnType<typeof words>} */
function pausedWords({ draining, phase }) {
  if (draining) {
    return { title: 'Pausing', detail: 'Finishing the tasks that are running.', tone: 'waiting' };
  }
  const connected = phase === 'joined' ? 'Still connected. ' : '';
  return { title: 'Paused', detail: `${connected}This PC takes no new work.`, tone: 'waiting' };
}

/** @param {LinkStatus} status @returns {ReturnType<typeof words>} */
function refusedWords({ reason, refusedCode }) {
  if (refusedCode === 'quarantined') {
    return {
      title: 'In quarantine',
      detail:
        `${sentence(reason)} This PC gets no more tasks, and its unconfirmed results are ` +
        'computed again, so nothing is lost. The usual cause is bad memory or an overclocked PC. ' +
        'Test its memory and undo the overclocking; then ask whoever runs the master to readmit ' +
        'this PC on the dashboard, and try again.',
      tone: 'trouble',
      canRetry: true,
    };
  }
  const asksToken = refusedCode === 'refused_token';
  const step = asksToken
    ? "Enter the token that is set in the master's config.json."
    : refusedCode === 'refused_protocol'
      ? 'Reload this page to get the version that fits the master.'
      : '';
  return {
    title: 'Refused',
    detail: [sentence(reason), step].filter(Boolean).join(' '),
    tone: 'trouble',
    asksToken,
    canRetry: !asksToken,
  };
}

/** @param {string} text */
function sentence(text) {
  if (text === '') return '';
  const first = text[0].toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** @param {number} seconds */
function inSeconds(seconds) {
  const whole = Math.ceil(seconds);
  return whole <= 0 ? 'now' : `in ${whole} s`;
}
