/** The token that this dashboard sends to the master: from the address, or from the last visit. */

const storageKey = 'netcompute.dashboard.token';

/** @returns {string} empty if there is none */
export function readToken() {
  const given = new URLSearchParams(location.search).get('token');
  if (given !== null) {
    rememberToken(given);
    return given;
  }
  try {
    return localStorage.getItem(storageKey) ?? '';
  } catch {
    return ''; // A browser that refuses storage asks again on each visit.
  }
}

/** @param {string} token */
export function rememberToken(token) {
  try {
    localStorage.setItem(storageKey, token);
  } catch {
    // Refused or full: it lasts as long as the page.
  }
}
