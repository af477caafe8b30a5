/** Nothing answers, it takes no key, or nobody is signed in: no other request would fare better. */
export class ConnectionError extends Error {
  override name = 'ConnectionError';
}
