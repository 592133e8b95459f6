/* call: one request to the API, and what to say when it goes wrong (docs/API.md). */

import { language_words, lang, say } from './words.js';

const CALL_MS = 20000, TRIES_MAX = 4;
export const BACKOFF_MS = [300, 600, 1200, 2500, 5000]; /* the last one again and again */

export let server_ahead_ms = 0; /* the server's clock decides what has expired */

export class Problem extends Error {
  constructor(status, title, detail, retry_after_s) {
    super(title);
    Object.assign(this, {status, title, detail, retry_after_s});
  }
  /* Worth sending again: it did not arrive, or the server cannot take it just now. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
  sentence() {
    const known = language_words[lang]['p_' + this.title];
    return known || say('p_other', {detail: this.detail || this.title});
  }
}

export async function call(method, path, body, key) {
  const headers = {'Accept': 'application/json'};
  if (body)
    headers['Content-Type'] = 'application/json';
  if (key)
    headers['Idempotency-Key'] = key;
  let answer, json;
  try {
    answer = await fetch(path, {method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(CALL_MS)});
    json = await answer.json();
  } catch {
    throw new Problem(answer && !answer.ok ? answer.status : 0, 'offline');
  }
  const date = Date.parse(answer.headers.get('Date'));
  if (date)
    server_ahead_ms = date - Date.now();
  if (!answer.ok)
    throw new Problem(answer.status, json.title, json.detail, Number(answer.headers.get('Retry-After')));
  return json;
}

export const sleep = ms => new Promise(done => setTimeout(done, ms));

/* A call that may be sent again without harm, sent again while its problem may pass. */
export async function call_until(path, body, wanted) {
  for (let tries = 1;; tries++) {
    try {
      return await call('POST', path, body);
    } catch (problem) {
      if (!problem.passing || tries === TRIES_MAX || !wanted())
        throw problem;
      await sleep(problem.retry_after_s * 1000 || BACKOFF_MS[tries]);
    }
  }
}

/* Not crypto.randomUUID: that exists on https and localhost only. */
export const random_id = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
