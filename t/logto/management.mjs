// Logto's Management API as far as the gateway needs it: /api/users and /api/status.

import { createLocalJWKSet, errors, jwtVerify } from 'jose';

import { readJson, send, sendJson } from './http.mjs';
import { MANAGEMENT } from './provider.mjs';
import { shown } from './users.mjs';

const PAGE_SIZE = 20;
const PAGE_SIZE_MAX = 100;

const TEXTS = ['username', 'primaryEmail', 'primaryPhone', 'name', 'avatar'];

const MESSAGES = {
  'auth.authorization_header_missing': [401, 'Authorization header is missing.'],
  'auth.authorization_token_type_not_supported': [401, 'Authorization type is not supported.'],
  'auth.unauthorized': [401, 'Unauthorized. Please check credentials and its scope.'],
  'auth.forbidden': [403, 'Forbidden. Please check your user roles and permissions.'],
  'entity.not_found': [404, 'The resource does not exist.'],
  'guard.invalid_pagination': [400, 'The request pagination value is invalid.'],
  'user.username_already_in_use': [422, 'This username is already in use.'],
  'user.email_already_in_use': [422, 'This email is associated with an existing account.'],
};

class ApiError extends Error {
  constructor(code, data) {
    super(code);
    Object.assign(this, { code, data });
  }
}

class InvalidInput extends Error {
  constructor(issue, details) {
    super(details);
    Object.assign(this, { issue, details });
  }
}

const typeOf = (value) => {
  if (value === null) {
    return 'null';
  }
  return Array.isArray(value) ? 'array' : typeof value;
};

function wrongType(key, expected, value) {
  const received = typeOf(value);
  const capital = expected[0].toUpperCase() + expected.slice(1);
  return new InvalidInput({
    code: 'invalid_type',
    expected,
    received,
    path: [key],
    message: value === undefined ? 'Required' : `Expected ${expected}, received ${received}`,
  }, `Error in key path "${key}": (invalid_type) ${capital} expected but received ${received}.`
    .replace(`${capital} expected`, `Expected ${expected}`));
}

function need(body, key, expected) {
  if (typeOf(body[key]) !== expected) {
    throw wrongType(key, expected, body[key]);
  }
  return body[key];
}

// The form of zod's union of a string and an empty literal.
function wrongText(key, value) {
  const { issue } = wrongType(key, 'string', value);
  const literal = {
    received: value, code: 'invalid_literal', expected: '', path: [key],
    message: 'Invalid literal value, expected ""',
  };
  return new InvalidInput({
    code: 'invalid_union',
    unionErrors: [issue, literal].map((one) => ({ issues: [one], name: 'ZodError' })),
    path: [key],
    message: 'Invalid input',
  }, `Error in key path "${key}": (invalid_union) Invalid input`);
}

function userFields(body) {
  const fields = {};
  for (const key of TEXTS) {
    if (body[key] !== undefined) {
      if (body[key] !== null && typeof body[key] !== 'string') {
        throw wrongText(key, body[key]);
      }
      fields[key] = body[key] === '' ? null : body[key];
    }
  }
  for (const key of ['customData', 'profile']) {
    if (body[key] !== undefined) {
      fields[key] = need(body, key, 'object');
    }
  }
  return fields;
}

function checkCollision(users, fields, self) {
  const taken = (key) => fields[key]
    && users.list().some((user) => user !== self && user[key] === fields[key]);
  if (taken('username')) {
    throw new ApiError('user.username_already_in_use');
  }
  if (taken('primaryEmail')) {
    throw new ApiError('user.email_already_in_use');
  }
}

async function authorize(world, req) {
  const header = req.headers.authorization;
  if (!header) {
    throw new ApiError('auth.authorization_header_missing');
  }
  if (!header.startsWith('Bearer ')) {
    throw new ApiError('auth.authorization_token_type_not_supported');
  }

  try {
    const { payload } = await jwtVerify(header.slice(7),
      createLocalJWKSet({ keys: world.keys.public }),
      { issuer: world.issuer, audience: MANAGEMENT });
    req.seen = { client: payload.client_id };
    if (!String(payload.scope ?? '').split(' ').includes('all')) {
      throw new ApiError('auth.forbidden');
    }
  } catch (err) {
    throw err instanceof errors.JOSEError ? new ApiError('auth.unauthorized', { ...err }) : err;
  }
}

function listUsers({ users }, call) {
  const { searchParams } = call.url;
  const number = (name, preset, max) => {
    const value = Number(searchParams.get(name) ?? preset);
    if (!Number.isInteger(value) || value < 1 || value > max) {
      throw new ApiError('guard.invalid_pagination');
    }
    return value;
  };
  const page = number('page', 1, Infinity);
  const size = number('page_size', PAGE_SIZE, PAGE_SIZE_MAX);
  const search = (searchParams.get('search') ?? '').replace(/%/g, '').toLowerCase();

  const found = users.list()
    .filter((user) => !search || ['id', 'username', 'primaryEmail', 'name']
      .some((key) => String(user[key] ?? '').toLowerCase().includes(search)))
    .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));

  const last = Math.max(1, Math.ceil(found.length / size));
  const link = (to, rel) => {
    const url = new URL(call.url);
    url.searchParams.set('page', to);
    url.searchParams.set('page_size', size);
    return `<${url}>; rel="${rel}"`;
  };

  call.res.setHeader('total-number', found.length);
  call.res.setHeader('link', [
    link(1, 'first'),
    ...(page > 1 ? [link(page - 1, 'prev')] : []),
    ...(page < last ? [link(page + 1, 'next')] : []),
    link(last, 'last'),
  ].join(', '));
  return found.slice((page - 1) * size, page * size).map(shown);
}

function createUser({ users }, { body, event }) {
  const fields = userFields(body);
  checkCollision(users, fields);
  const password = body.password === undefined ? null : need(body, 'password', 'string');
  const user = users.create({ ...fields, password });
  event('User.Created', user);
  return shown(user);
}

function patchUser({ users }, { body, user, event }) {
  const fields = userFields(body);
  checkCollision(users, fields, user);
  users.update(user, fields);
  event('User.Data.Updated', user);
  return shown(user);
}

// A shallow merge; a null is kept.
function patchCustomData({ users }, { body, user, event }) {
  const customData = { ...user.customData, ...need(body, 'customData', 'object') };
  users.update(user, { customData });
  event('User.Data.Updated', user);
  return user.customData;
}

function suspendUser({ users }, { body, user, event }) {
  users.suspend(user, need(body, 'isSuspended', 'boolean'));
  event('User.SuspensionStatus.Updated', user);
  return shown(user);
}

function deleteUser({ users }, { user, event }) {
  users.remove(user);
  event('User.Deleted', user, 204);
  return undefined;
}

const ROUTES = [
  ['GET', '/users', listUsers],
  ['POST', '/users', createUser],
  ['GET', '/users/:userId', (_world, { user }) => shown(user)],
  ['PATCH', '/users/:userId', patchUser],
  ['DELETE', '/users/:userId', deleteUser],
  ['GET', '/users/:userId/custom-data', (_world, { user }) => user.customData],
  ['PATCH', '/users/:userId/custom-data', patchCustomData],
  ['PATCH', '/users/:userId/is-suspended', suspendUser],
];

function route(method, path) {
  for (const [verb, pattern, handler] of ROUTES) {
    const re = new RegExp(`^${pattern.replace(':userId', '([^/]+)')}$`);
    const match = method === verb && re.exec(path);
    if (match) {
      return { handler, pattern, id: match[1] };
    }
  }
  throw new ApiError('entity.not_found');
}

async function run(world, req, res, url) {
  await authorize(world, req);

  const path = url.pathname.slice('/api'.length);
  const { handler, pattern, id } = route(req.method, path);

  const body = await readJson(req);
  if (typeOf(body) !== 'object') {
    throw new InvalidInput(wrongType('', 'object', body).issue, 'The body is not a JSON object.');
  }
  const user = id === undefined ? undefined : world.users.byId(id);
  if (id !== undefined && !user) {
    throw new ApiError('entity.not_found');
  }

  const events = [];
  const event = (name, subject, status = 200) => events.push([name, subject, {
    path, method: req.method, status, route: pattern, req,
  }]);
  const answer = handler(world, { url, res, body, user, event });

  if (answer === undefined) {
    res.statusCode = 204;
    res.end();
  } else {
    sendJson(res, 200, answer);
  }
  for (const fired of events) {
    world.hooks.fire(...fired);
  }
}

export async function management(world, req, res, url) {
  if (url.pathname === '/api/status') {
    send(res, 204, undefined, '');
    return;
  }
  try {
    await run(world, req, res, url);
  } catch (err) {
    if (err instanceof ApiError) {
      const [status, message] = MESSAGES[err.code];
      sendJson(res, status, { code: err.code, ...(err.data && { data: err.data }), message });
    } else if (err instanceof InvalidInput) {
      sendJson(res, 400, {
        code: 'guard.invalid_input',
        data: { issues: [err.issue], name: 'ZodError' },
        details: err.details,
        message: 'The request body is invalid.',
      });
    } else {
      throw err;
    }
  }
}
