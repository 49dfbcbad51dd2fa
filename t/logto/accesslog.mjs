// DIR/access.log, a JSON line for each request, and the counts that tests ask for.
// Never a token, code, cookie or password: of a query only harmless names stay.

import fs from 'node:fs';

const HARMLESS = new Set(['app_id', 'client_id', 'prompt', 'scope', 'response_type', 'resource',
  'page', 'page_size', 'code_challenge_method']);

// An interaction's id stands in the path: Logto's, or another provider's (shapes.mjs).
const plainPath = (path) => path.replace(/^(.*\/auth(?:orize)?)\/[^/]+$/, '$1/:uid');

function plainQuery(params) {
  const kept = [...params].filter(([name]) => HARMLESS.has(name));
  return kept.length ? `?${new URLSearchParams(kept)}` : '';
}

export class AccessLog {
  #out;

  constructor(file) {
    this.#out = fs.createWriteStream(file, { flags: 'a', mode: 0o600 });
    this.reset();
  }

  reset() {
    this.counts = { since: new Date().toISOString(), total: 0, paths: {}, grants: {}, replays: 0 };
  }

  watch(req, res, url) {
    const { counts } = this;
    const start = process.hrtime.bigint();
    const path = plainPath(url.pathname);
    const name = `${req.method} ${path}`;

    counts.total += 1;
    counts.paths[path] = (counts.paths[path] ?? 0) + 1;
    counts.methods ??= {};
    counts.methods[name] = (counts.methods[name] ?? 0) + 1;

    res.once('close', () => {
      const { client, grant } = req.seen ?? {};
      const ms = Number(process.hrtime.bigint() - start) / 1e6;

      if (grant) {
        counts.grants[grant] = (counts.grants[grant] ?? 0) + 1;
      }
      this.#out.write(`${JSON.stringify({
        t: new Date().toISOString(),
        method: req.method,
        path: path + plainQuery(url.searchParams),
        status: res.headersSent ? res.statusCode : 0,
        ms: Math.round(ms * 10) / 10,
        client: client ?? null,
        ...(grant && { grant }),
      })}\n`);
    });
  }
}
