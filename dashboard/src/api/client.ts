/*
 * client.ts — one call of the gateway's API: JSON, or a Problem.  No call does
 * anything twice, so every one may be sent again.
 */

/* ms */
const GET_TIMEOUT = 15_000
const SEND_TIMEOUT = 60_000             // the gateway itself gives up before
const RETRY_MIN = 1_000                 // of what a Retry-After asks for
const RETRY_MAX = 15_000

const TRIES = 4                         // of what is answered 503

export class Problem extends Error {
  constructor(
    readonly status: number,            // 0: there was no answer
    readonly code: string,              // the gateway's, or one of ours
    readonly detail = '',
    readonly retryAfter: number | null = null,
  ) {
    super(detail || code)
  }
}

export async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const get = method === 'GET'
  let response: Response, text: string

  try {
    response = await fetch('/api/v1' + path, {
      method,
      headers: {
        Accept: 'application/json, application/problem+json',
        ...(body && { 'Content-Type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      cache: 'no-store',
      signal: AbortSignal.timeout(get ? GET_TIMEOUT : SEND_TIMEOUT),
    })
    text = await response.text()
  } catch {
    throw new Problem(0, get ? 'no-answer' : 'no-answer-sent')
  }

  const json = parse(text)

  if (!response.ok) {
    throw new Problem(response.status, String(json?.code ?? ''),
      String(json?.detail ?? ''), retryAfter(response.headers.get('Retry-After')))
  }
  if (!json) {
    throw new Problem(0, 'bad-answer')
  }
  return json as T
}

/*
 * The same for what a person waits for: 503 with Retry-After is tried again.
 * again is told before each wait, and ends it by returning false.
 */
export async function callAgain<T>(method: string, path: string, body: object | undefined,
  again: (problem: Problem) => boolean): Promise<T> {

  for (let n = 1; ; n++) {
    try {
      return await call<T>(method, path, body)
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 503
        || problem.retryAfter === null || n === TRIES || !again(problem)) {
        throw problem
      }
      await sleep(jitter(problem.retryAfter))
    }
  }
}

export const path = (...segments: (string | number)[]) =>
  segments.map(segment => '/' + encodeURIComponent(segment)).join('')

export const sleep = (ms: number) => new Promise(done => setTimeout(done, ms))

/* Many pages that wait for the same thing must not ask in the same moment. */
export const jitter = (ms: number) => ms * (0.85 + 0.3 * Math.random())

function parse(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text)
    return value !== null && typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/* Seconds or a date, as ms from now. */
function retryAfter(header: string | null): number | null {
  if (header === null) {
    return null
  }
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()

  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, RETRY_MIN), RETRY_MAX)
}
