// What Logto sends by itself: webhooks, and logout tokens that a test asks for.
// (The logout tokens of a real sign-out are sent by oidc-provider.)

import crypto from 'node:crypto';
import dns from 'node:dns';
import http from 'node:http';

import { forge } from './forge.mjs';
import { webhookUser } from './users.mjs';

const TIMEOUT_MS = 10_000;
const KEPT = 100;

// *.localhost is this machine, whatever the resolver knows of it (RFC 6761).
export function lookup(hostname, options, callback) {
  const done = typeof options === 'function' ? options : callback;
  const { all = false } = typeof options === 'object' ? options : {};

  if (hostname === 'localhost' || hostname.endsWith('.localhost')) {
    const found = { address: '127.0.0.1', family: 4 };
    process.nextTick(() => (
      all ? done(null, [found]) : done(null, found.address, found.family)));
    return;
  }
  dns.lookup(hostname, options, callback);
}

function post(url, headers, body) {
  return new Promise((resolve, reject) => {
    const req = http.request(url, {
      method: 'POST',
      lookup,
      timeout: TIMEOUT_MS,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode));
      res.on('error', reject);
    });
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', reject);
    req.end(body);
  });
}

export class Hooks {
  #world;

  deliveries = [];

  constructor(world) {
    this.#world = world;
  }

  #note(delivery) {
    this.deliveries.push(delivery);
    this.deliveries.splice(0, this.deliveries.length - KEPT);
    return delivery;
  }

  // Once, whatever the answer.
  async #deliver(kind, url, headers, body) {
    const delivery = this.#note({ t: new Date().toISOString(), ...kind, url });

    try {
      delivery.status = await post(url, headers, body);
    } catch (err) {
      delivery.error = err.code ?? err.message;
    }
    return delivery;
  }

  // A management event, to the hook if it has subscribed to it.
  fire(event, user, { path, method, status, route, req }) {
    const { webhookUrl, webhookEvents } = this.#world.settings;
    if (webhookUrl && webhookEvents.includes(event)) {
      const details = { path, method, status, params: { userId: user.id }, matchedRoute: route };
      this.send(event, user, details, { req }).catch(() => {});
    }
  }

  send(event, user, details, { url, forged, req } = {}) {
    const { webhookUrl, webhookHeaders } = this.#world.settings;
    const body = JSON.stringify({
      event,
      createdAt: new Date().toISOString(),
      userAgent: req?.headers['user-agent'] ?? 'node',
      ip: '127.0.0.1',
      data: webhookUser(user),
      ...details,
      hookId: 'hook00000000000000001',
    });
    const key = forged ? 'not the key' : this.#world.webhookKey;
    const headers = {
      'logto-signature-sha-256': crypto.createHmac('sha256', key).update(body).digest('hex'),
      'user-agent': 'Logto (https://logto.io/)',
      ...webhookHeaders,
      'content-type': 'application/json',
      accept: '*/*',
    };
    return this.#deliver({ event, user: user.username }, url ?? webhookUrl, headers, body);
  }

  // A logout token to the gateway, as when an administrator ends a session.
  async logout(user, { url, ...order }) {
    const body = new URLSearchParams({
      logout_token: forge(this.#world, { ...order, type: 'logout', user: user.id }),
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#deliver({ event: 'logout', user: user.username },
      url ?? this.#world.settings.backchannelUrl, headers, body);
  }
}
