// Logto's stand-in: the command, its files, and who answers which path.

import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { AccessLog } from './accesslog.mjs';
import { control } from './control.mjs';
import { Faults } from './faults.mjs';
import { BodyTooLarge, send } from './http.mjs';
import { cancel, consent, showSignIn, signIn } from './interaction.mjs';
import { Keys } from './keys.mjs';
import { management } from './management.mjs';
import { USAGE, parse } from './options.mjs';
import { Hooks } from './outgoing.mjs';
import { buildProvider } from './provider.mjs';
import { SHAPES } from './shapes.mjs';
import { Store, writePrivate } from './store.mjs';
import { Users } from './users.mjs';

// Seconds, as Logto's defaults.
const LIFETIMES = {
  id_token: 3600,
  access_token: 3600,
  refresh_token: 14 * 86400,
  code: 60,
  interaction: 3600,
};

const APPS = {
  gateway: ['app_id', 'app_secret', 'gateway00000000000app'],
  m2m: ['m2m_app_id', 'm2m_app_secret', 'gateway00000000000m2m'],
  m2mNoRole: ['m2m_norole_app_id', 'm2m_norole_app_secret', 'gateway0000000norole0'],
  other: ['other_app_id', 'other_app_secret', 'third000000000party00'],
};

// What a real Logto puts on every answer.
const HEADERS = {
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'strict-transport-security': 'max-age=15552000; includeSubDomains',
  vary: 'Accept-Encoding',
  'x-content-type-options': 'nosniff',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
};

function fail(message) {
  console.error(`logto: ${message}`);
  process.exit(1);
}

function secret(length) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length }, () => letters[crypto.randomInt(letters.length)]).join('');
}

// The file's content, or a new value that is written to it.
function kept(dir, name, make) {
  const file = path.join(dir, name);
  if (fs.existsSync(file)) {
    return fs.readFileSync(file, 'utf8').trim();
  }
  const value = make();
  writePrivate(file, value);
  return value;
}

function apps(dir, more = '') {
  return Object.fromEntries(Object.entries(APPS).map(([name, [idFile, secretFile, id]]) => [name, {
    id: kept(dir, idFile, () => id),
    secret: kept(dir, secretFile, () => secret(32) + more),
  }]));
}

function build(options) {
  const { dir, port } = options;
  const endpoint = options.endpoint ?? `http://127.0.0.1:${port}`;
  const store = new Store(dir);
  const keys = new Keys(store);
  const shape = SHAPES[options.like];

  keys.load(options.alg ?? shape?.alg);
  store.data.cookieKeys ??= [secret(32)];

  const world = {
    options,
    endpoint,
    shape,
    path: shape ? shape.path : '/oidc',
    issuer: `${endpoint}${shape ? shape.path || '/' : '/oidc'}`,
    store,
    keys,
    apps: apps(dir, shape?.secret),
    webhookKey: kept(dir, 'webhook_key', () => secret(32)),
    users: new Users(store, (users) => writePrivate(path.join(dir, 'users.json'),
      `${JSON.stringify(users.passwords(), null, 1)}\n`), shape?.id),
    attackers: {},      // alg -> key
    lured: {},
    log: new AccessLog(path.join(dir, 'access.log')),
    faults: new Faults(),
    settings: {
      presets: LIFETIMES,
      lifetimes: { ...LIFETIMES },
      like: options.like,
      webhookUrl: options.webhook,
      webhookEvents: options.webhookEvents,
      webhookHeaders: {},
      backchannelUrl: options.backchannel,
      rolesInIdToken: true, // a switch of the Console's
      machineScopes: {},    // app -> scopes of the API resources, by its role
    },
    // A provider knows its keys and clients from its birth: new ones, new provider.
    rebuild() {
      world.provider = buildProvider(world);
      world.oidc = world.provider.callback();
    },
  };
  world.hooks = new Hooks(world);
  world.rebuild();
  store.flush();
  return world;
}

const PAGES = {
  'GET /sign-in': showSignIn,
  'POST /sign-in': signIn,
  'GET /sign-in/cancel': cancel,
  'GET /consent': consent,
};

async function answer(world, req, res) {
  const url = new URL(req.url, world.endpoint);

  if (url.pathname.startsWith('/_control/')) {
    await control(world, req, res, url);
    return;
  }

  world.log.watch(req, res, url);
  for (const [name, value] of Object.entries(HEADERS)) {
    res.setHeader(name, value);
  }
  res.setHeader('logto-core-request-id', crypto.randomBytes(12).toString('base64url'));

  if (await world.faults.apply(req, res, url.pathname)) {
    return;
  }

  const page = PAGES[`${req.method} ${url.pathname}`];
  if (page) {
    res.setHeader('cache-control', 'no-store');
    await page(world, req, res);
  } else if (url.pathname.startsWith('/api/')) {
    await management(world, req, res, url);
  } else if (url.pathname.startsWith(`${world.path}/`)) {
    // offline_access without a question, as others give it
    if (world.shape && url.searchParams.get('scope')?.includes('offline_access')) {
      req.url += '&prompt=consent';
    }
    req.originalUrl = req.url;
    req.url = req.url.slice(world.path.length);
    await world.oidc(req, res);
  } else {
    send(res, 404, 'text/plain; charset=utf-8', 'Not Found');
  }
}

function listen(port, address) {
  const server = http.createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => resolve(server));
  });
}

async function main() {
  let options;
  try {
    options = parse(process.argv.slice(2));
  } catch (err) {
    fail(`${err.message} (--help lists the options)`);
  }
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }

  // The port first: who has it owns DIR.
  const { port, listen: address, dir } = options;
  const server = await listen(port, address).catch((err) => fail(err.code === 'EADDRINUSE'
    ? `port ${port} on ${address} is in use: choose another with --port`
    : `cannot listen on ${address}:${port}: ${err.message}`));

  const ready = path.join(dir, 'ready');
  fs.mkdirSync(dir, { recursive: true });
  fs.rmSync(ready, { force: true });

  const world = build(options);
  server.on('request', (req, res) => {
    answer(world, req, res).catch((err) => {
      if (req.destroyed && !req.complete) {
        return;                     // the client went away in the middle of its body
      }
      if (err instanceof BodyTooLarge && !res.headersSent) {
        res.setHeader('connection', 'close');
        send(res, 413, 'text/plain; charset=utf-8', 'Payload Too Large');
        return;
      }
      console.error(`logto: ${req.method} ${req.url.split('?')[0]}: ${err.stack}`);
      if (!res.headersSent) {
        send(res, 500, 'text/plain; charset=utf-8', 'Internal Server Error');
      } else {
        res.destroy();
      }
    });
  });

  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      world.store.flush();
      fs.rmSync(ready, { force: true });
      process.exit(0);
    });
  }

  fs.writeFileSync(ready, `${world.endpoint}\n`);
  console.log(`logto: ready at ${world.endpoint}`);
}

main().catch((err) => fail(err.stack));
