// Small helpers on node's own request and response.

const BODY_LIMIT = 1024 * 1024;

export class BodyTooLarge extends Error {}

// One that is too large is read to its end all the same, so that the answer is.
export async function readBody(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size <= BODY_LIMIT) {
      chunks.push(chunk);
    }
  }
  if (size > BODY_LIMIT) {
    throw new BodyTooLarge('body too large');
  }
  return Buffer.concat(chunks).toString('utf8');
}

// undefined: not JSON.  An empty body is an empty object.
export async function readJson(req) {
  const text = await readBody(req);
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function send(res, status, type, body) {
  res.statusCode = status;
  if (type) {
    res.setHeader('content-type', type);
  }
  res.setHeader('content-length', Buffer.byteLength(body));
  res.end(body);
}

export function sendJson(res, status, value) {
  send(res, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

export function redirect(res, status, location) {
  res.setHeader('location', location);
  send(res, status, 'text/html; charset=utf-8', '');
}

export function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
