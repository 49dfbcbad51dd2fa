// Outages and latency in front of everything but /_control.

import { send } from './http.mjs';

const HTML = '<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n';

const ANSWERS = {
  500: [500, 'text/plain; charset=utf-8', 'Internal Server Error'],
  html: [502, 'text/html; charset=utf-8', HTML],
  garbage: [200, 'application/json; charset=utf-8', '{"access_token": \u0000<<<'],
  empty: [200, 'application/json; charset=utf-8', ''],
  'empty-jwks': [200, 'application/jwk-set+json; charset=utf-8', '{"keys":[]}'],
  'bad-jwks': [200, 'application/jwk-set+json; charset=utf-8',
    '{"keys":[{"kty":"EC","use":"sig","alg":"ES384","crv":"P-384","kid":"x","x":"!","y":5},7]}'],
};

const MODES = [...Object.keys(ANSWERS), 'refuse', 'hang', 'truncated', 'answer', 'off'];

// Announces the whole body, sends half of it, and closes.
function truncate(res) {
  const chunks = [];
  const { write, end } = res;
  const keep = (chunk, encoding) => {
    if (chunk && typeof chunk !== 'function') {
      chunks.push(Buffer.from(chunk, typeof encoding === 'string' ? encoding : 'utf8'));
    }
  };

  res.write = (chunk, encoding) => { keep(chunk, encoding); return true; };
  res.end = (chunk, encoding) => {
    keep(chunk, encoding);
    Object.assign(res, { write, end });
    const body = Buffer.concat(chunks);
    res.removeHeader('transfer-encoding');
    res.setHeader('content-length', Math.max(body.length, 2));
    const { socket } = res;
    res.write(body.subarray(0, body.length >> 1), () => socket?.destroySoon());
    return res;
  };
}

function pattern(paths) {
  try {
    return new RegExp(paths ?? '');
  } catch (err) {
    throw new TypeError(`"paths" is not a regular expression: ${err.message}`);
  }
}

export class Faults {
  #outages = new Map();      // paths -> order

  #latencies = new Map();

  #held = new Set();

  outage(order) {
    const mode = String(order.mode);
    if (!MODES.includes(mode)) {
      throw new TypeError(`"mode" must be one of ${MODES.join(', ')}`);
    }
    const key = order.paths ?? '';

    if (mode !== 'off') {
      this.#outages.set(key, { ...order, mode, re: pattern(order.paths) });
      return;
    }
    if (order.paths === undefined) {
      this.#outages.clear();
    } else {
      this.#outages.delete(key);
    }
    for (const res of this.#held) {
      res.socket?.destroy();
    }
  }

  latency({ ms, paths }) {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new TypeError('"ms" must be a number of milliseconds, 0 for none');
    }
    const re = pattern(paths);
    if (ms > 0) {
      this.#latencies.set(paths ?? '', { ms, re });
    } else if (paths === undefined) {
      this.#latencies.clear();
    } else {
      this.#latencies.delete(paths);
    }
  }

  list() {
    const plain = ({ re, ...rest }) => ({ ...rest, paths: re.source });
    return {
      outages: [...this.#outages.values()].map(plain),
      latencies: [...this.#latencies.values()].map(plain),
    };
  }

  #take(path) {
    for (const [key, order] of this.#outages) {
      if (order.re.test(path)) {
        if (order.times !== undefined && (order.times -= 1) <= 0) {
          this.#outages.delete(key);
        }
        return order;
      }
    }
    return undefined;
  }

  // true: the request has been dealt with.
  async apply(req, res, path) {
    const waits = [...this.#latencies.values()].filter(({ re }) => re.test(path));
    const order = this.#take(path);

    if (waits.length) {
      const ms = Math.max(...waits.map((wait) => wait.ms));
      await new Promise((resolve) => { setTimeout(resolve, ms); });
    }

    switch (order?.mode) {
      case undefined:
        return false;
      case 'truncated':
        truncate(res);
        return false;
      case 'refuse':
        req.socket.destroy();
        return true;
      case 'hang':
        this.#held.add(res);
        res.once('close', () => this.#held.delete(res));
        return true;
      case 'answer': {
        const { status = 200, headers = {}, body = '', pad = 0 } = order;
        for (const [name, value] of Object.entries(headers)) {
          res.setHeader(name, value);
        }
        send(res, status, undefined, (typeof body === 'string' ? body : JSON.stringify(body)).padEnd(pad));
        return true;
      }
      default:
        send(res, ...ANSWERS[order.mode]);
        return true;
    }
  }
}
