// The switches for tests under /_control; README.md lists them.
// Faults never apply here, and nothing here is counted or logged.

import { attackerKey, forge } from './forge.mjs';
import { readJson, sendJson } from './http.mjs';
import { publicPart } from './keys.mjs';
import { REUSE_MS } from './store.mjs';

const VERSIONS = ['1.41', '1.42'];

const AGED = ['RefreshToken', 'AccessToken'];

class NotFound extends Error {}

function need(value, type, name) {
  if (typeof value !== type) {
    throw new TypeError(`"${name}" must be a ${type}`);
  }
  return value;
}

function userOf({ users }, { user: key }) {
  const user = users.find(need(key, 'string', 'user'));
  if (!user) {
    throw new NotFound(`no user "${key}"`);
  }
  return user;
}

function lifetimes({ settings }, body) {
  for (const [name, seconds] of Object.entries(body)) {
    if (!Object.hasOwn(settings.presets, name)) {
      throw new TypeError(`"${name}": lifetimes are ${Object.keys(settings.presets).join(', ')}`);
    }
    // an ID token may be issued expired, within what a relying party's skew forgives
    const least = name === 'id_token' ? -60 : 1;
    if (seconds !== null && !(Number.isInteger(seconds) && seconds >= least)) {
      throw new TypeError(`"${name}" must be seconds, a whole number from ${least}, or null`);
    }
    settings.lifetimes[name] = seconds ?? settings.presets[name];
  }
  return settings.lifetimes;
}

function rotateKeys(world, { alg, mode = 'rotate' }) {
  world.keys.rotate(alg, mode);
  world.rebuild();
  return world.keys.summary();
}

// Refresh tokens: null is the provider's own way.
function rotation({ settings, store }, { every = null, leeway = null, revokes = true }) {
  if (every !== null) {
    need(every, 'boolean', 'every');
  }
  store.revokes = need(revokes, 'boolean', 'revokes');
  settings.rotates = every ?? undefined;
  store.reuse = leeway === null ? REUSE_MS : need(leeway, 'number', 'leeway') * 1000;
  return { every, leeway: store.reuse / 1000, revokes };
}

function like(world, { version }) {
  if (!VERSIONS.includes(version)) {
    throw new TypeError(`"version" must be one of ${VERSIONS.join(', ')}`);
  }
  world.settings.like = version;
  return { version };
}

function hooks(world, body) {
  const { settings } = world;
  const names = {
    webhook_url: 'webhookUrl',
    webhook_events: 'webhookEvents',
    webhook_headers: 'webhookHeaders',
    backchannel_url: 'backchannelUrl',
  };
  for (const [name, value] of Object.entries(body)) {
    if (!Object.hasOwn(names, name)) {
      throw new TypeError(`"${name}": hooks has ${Object.keys(names).join(', ')}`);
    }
    settings[names[name]] = value ?? undefined;
  }
  settings.webhookEvents ??= [];
  world.rebuild();
  return Object.fromEntries(Object.entries(names)
    .map(([name, key]) => [name, settings[key] ?? null]));
}

// The role of an application (m2m, m2mNoRole), or what a third party (other) was given.
function app({ apps, settings }, { app: name, scope }) {
  if (!Object.hasOwn(apps, name) || name === 'gateway') {
    throw new TypeError(`"app" must be one of ${Object.keys(apps).filter((one) => one !== 'gateway').join(', ')}`);
  }
  settings.machineScopes[name] = scope ?? undefined;
  return settings.machineScopes;
}

function roles({ settings }, { id_token: on }) {
  settings.rolesInIdToken = need(on, 'boolean', 'id_token');
  return { id_token: on };
}

// By hand no webhook is sent: POST /_control/webhook does that.
function suspend(world, body, isSuspended) {
  const user = world.users.suspend(userOf(world, body), isSuspended);
  return { id: user.id, isSuspended };
}

function remove(world, body) {
  const user = userOf(world, body);
  world.users.remove(user);
  return { id: user.id };
}

function restore(world, { user: name }) {
  if (world.users.byName(name)) {
    return { id: world.users.byName(name).id };
  }
  const user = world.users.restore(name);
  if (!user) {
    throw new NotFound(`"${name}" is none of the users of the first day`);
  }
  return { id: user.id };
}

function changeUser(world, { user: _, ...fields }, user) {
  const { id, ...changes } = fields;
  return world.users.update(user, changes);
}

function age(world, body) {
  const seconds = need(body.seconds, 'number', 'seconds');
  const models = body.models ?? AGED;
  return { aged: world.store.age(userOf(world, body).id, seconds, models) };
}

function sign(world, body) {
  return Array.isArray(body.tokens)
    ? { tokens: body.tokens.map((order) => forge(world, order)) }
    : { token: forge(world, body) };
}

function webhook(world, { event, url, forged, ...body }) {
  need(event, 'string', 'event');
  const user = userOf(world, body);
  const details = {
    path: `/users/${user.id}`, method: 'PATCH', status: 200,
    params: { userId: user.id }, matchedRoute: '/users/:userId',
  };
  if (!url && !world.settings.webhookUrl) {
    throw new TypeError('no "url" here and none set: POST /_control/hooks {"webhook_url": …}');
  }
  return world.hooks.send(event, user, details, { url, forged });
}

// Without "sid": one token for each of the user's sessions at the gateway.
async function backchannel(world, { sid, claims, ...body }) {
  const user = userOf(world, body);
  const { id: app } = world.apps.gateway;
  const sids = sid !== undefined ? [sid] : world.store.sessionsOf(user.id)
    .map((session) => session.authorizations?.[app]?.sid).filter(Boolean);

  const { user: _, ...order } = body;
  return {
    deliveries: await Promise.all(sids.map((one) => (
      world.hooks.logout(user, { ...order, claims: { sid: one, ...claims } })))),
  };
}

function lure(world, what) {
  world.lured[what] = (world.lured[what] ?? 0) + 1;
  return { keys: [publicPart(attackerKey(world))] };
}

const SWITCHES = {
  'GET /lifetimes': ({ settings }) => settings.lifetimes,
  'POST /lifetimes': lifetimes,
  'GET /keys': ({ keys }) => ({ ...keys.summary(), jwks: { keys: keys.public } }),
  'POST /rotate-keys': rotateKeys,
  'POST /rotation': rotation,
  'POST /like': like,
  'GET /faults': ({ faults }) => faults.list(),
  'POST /outage': ({ faults }, body) => { faults.outage(body); return faults.list(); },
  'POST /latency': ({ faults }, body) => { faults.latency(body); return faults.list(); },
  'POST /suspend': (world, body) => suspend(world, body, true),
  'POST /unsuspend': (world, body) => suspend(world, body, false),
  'POST /delete': remove,
  'POST /restore': restore,
  'POST /user': (world, body) => changeUser(world, body, userOf(world, body)),
  'POST /age': age,
  'POST /app': app,
  'POST /roles': roles,
  'POST /sign-token': sign,
  'GET /requests': ({ log, lured }) => ({ ...log.counts, lured }),
  'DELETE /requests': (world) => { world.log.reset(); world.lured = {}; return world.log.counts; },
  'GET /hooks': (world) => hooks(world, {}),
  'POST /hooks': hooks,
  'POST /webhook': webhook,
  'GET /webhook': (world) => ({ deliveries: world.hooks.deliveries }),
  'POST /backchannel': backchannel,
  'GET /attacker/jwks': (world) => lure(world, 'jku'),
  'GET /attacker/x5u': (world) => lure(world, 'x5u'),
};

// A page in a browser must not reach the switches.
const foreign = ({ headers }) => headers.origin !== undefined
  || !/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');

export async function control(world, req, res, url) {
  if (foreign(req)) {
    sendJson(res, 403, { error: 'not from a browser, and by 127.0.0.1 only' });
    return;
  }
  const name = `${req.method} ${url.pathname.slice('/_control'.length)}`;
  if (!Object.hasOwn(SWITCHES, name)) {
    sendJson(res, 404, { error: `no switch "${name}"`, switches: Object.keys(SWITCHES) });
    return;
  }
  const body = await readJson(req);
  if (typeof body !== 'object' || body === null) {
    sendJson(res, 400, { error: 'the body is not a JSON object' });
    return;
  }
  try {
    sendJson(res, 200, await SWITCHES[name](world, body));
  } catch (err) {
    if (err instanceof NotFound) {
      sendJson(res, 404, { error: err.message });
    } else if (err instanceof TypeError) {
      sendJson(res, 400, { error: err.message });
    } else {
      throw err;
    }
  }
}
