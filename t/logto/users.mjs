// The users: who there is, what the management API shows of them, and their claims.

import crypto from 'node:crypto';

const SHOWN = [
  'id', 'username', 'primaryEmail', 'primaryPhone', 'name', 'avatar', 'customData', 'identities',
  'lastSignInAt', 'createdAt', 'updatedAt', 'profile', 'applicationId', 'isSuspended',
];

const ID_LENGTH = 12;

function seeds() {
  const load = Array.from({ length: 50 }, (_, i) => `user${String(i + 1).padStart(2, '0')}`);
  return [
    ['alice', ['gwuser']],
    ['bob', ['gwuser']],
    ['carol', ['aigc-admin']],
    ...load.map((name) => [name, ['gwuser']]),
  ];
}

// alice is always alice0000000, so that a test can name her without asking.
const seedId = (name) => name.padEnd(ID_LENGTH, '0');

function randomId() {
  const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
  return Array.from({ length: ID_LENGTH }, () => letters[crypto.randomInt(letters.length)]).join('');
}

function seedUser(name, roles) {
  return {
    username: name,
    password: `${name}-pass`,
    name: name[0].toUpperCase() + name.slice(1),
    primaryEmail: `${name}@example.com`,
    roles,
  };
}

export class Users {
  #store;

  #listener;

  #id;

  constructor(store, listener, id = seedId) {
    this.#store = store;
    this.#listener = listener;
    this.#id = id;

    if (!store.data.users) {
      store.data.users = {};
      for (const [name, roles] of seeds()) {
        this.create({ id: this.#id(name), ...seedUser(name, roles) });
      }
    }
    listener(this);
  }

  get #all() { return this.#store.data.users; }

  list() { return Object.values(this.#all); }

  byId(id) { return Object.hasOwn(this.#all, id) ? this.#all[id] : undefined; }

  byName(name) { return this.list().find((user) => user.username === name); }

  // By name or by id: what a test has at hand.
  find(key) { return this.byName(key) ?? this.byId(key); }

  #changed() {
    this.#store.changed();
    this.#listener(this);
  }

  create(fields) {
    const now = Date.now();
    const user = {
      id: randomId(),
      username: null,
      primaryEmail: null,
      primaryPhone: null,
      name: null,
      avatar: null,
      customData: {},
      identities: {},
      lastSignInAt: null,
      createdAt: now,
      updatedAt: now,
      profile: {},
      applicationId: null,
      isSuspended: false,
      password: null,
      roles: [],
      ...fields,
    };
    this.#all[user.id] = user;
    this.#changed();
    return user;
  }

  update(user, fields) {
    Object.assign(user, fields, { updatedAt: Date.now() });
    this.#changed();
    return user;
  }

  suspend(user, isSuspended) {
    if (isSuspended) {
      this.#store.revokeUser(user.id);
    }
    return this.update(user, { isSuspended });
  }

  remove(user) {
    this.#store.revokeUser(user.id);
    delete this.#all[user.id];
    this.#changed();
  }

  // A seeded user as on the first day, under the same id.
  restore(name) {
    const seed = seeds().find(([seedName]) => seedName === name);
    return seed && this.create({ id: this.#id(name), ...seedUser(...seed) });
  }

  passwords() {
    return Object.fromEntries(this.list()
      .filter(({ username }) => username)
      .map(({ username, id, password, roles }) => [username, { id, password, roles }]));
  }
}

export function shown(user) {
  const entries = SHOWN.map((key) => [key, user[key]]);
  return { ...Object.fromEntries(entries), hasPassword: user.password !== null };
}

// What a webhook carries: the same, without hasPassword.
export function webhookUser(user) {
  const { hasPassword, ...rest } = shown(user);
  return rest;
}

// oidc-provider drops the claims that the granted scope does not cover.
export function claims(user, use) {
  const common = {
    sub: user.id,
    name: user.name,
    preferred_username: user.username,
    picture: user.avatar,
    updated_at: user.updatedAt,           // milliseconds, as Logto's
    username: user.username,
    created_at: user.createdAt,
    email: user.primaryEmail,
    email_verified: Boolean(user.primaryEmail),
    phone_number: user.primaryPhone,
    phone_number_verified: Boolean(user.primaryPhone),
    roles: user.roles,
  };
  return use === 'userinfo'
    ? { ...common, custom_data: user.customData, identities: user.identities }
    : common;
}
