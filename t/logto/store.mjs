// What survives a restart: DIR/state.json (users, keys, and what oidc-provider keeps).
// Who the users are and what the keys mean is not decided here.

import fs from 'node:fs';
import path from 'node:path';

// Logto accepts a refresh token again for so long after it was rotated (others may not at all:
// Store.reuse).
export const REUSE_MS = 3000;

const SAVE_DELAY_MS = 300;

const BY_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);

export function writePrivate(file, text) {
  const tmp = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(tmp, text, { mode: 0o600 });
  fs.renameSync(tmp, file);
}

export class Store {
  #file;

  #timer;

  #uids = new Map();      // session uid -> session id

  #grants = new Map();    // grant id -> Set of "model id"

  constructor(dir) {
    this.#file = path.join(dir, 'state.json');
    this.data = {};
    this.models = new Map();
    this.reuse = REUSE_MS;
    this.revokes = true;

    if (fs.existsSync(this.#file)) {
      const saved = JSON.parse(fs.readFileSync(this.#file, 'utf8'));
      this.data = saved.data;
      for (const [model, entries] of Object.entries(saved.models)) {
        for (const [id, entry] of entries) {
          this.#put(model, id, entry);
        }
      }
    }
  }

  changed() {
    this.#timer ??= setTimeout(() => this.flush(), SAVE_DELAY_MS);
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;

    const models = {};
    for (const [model, entries] of this.models) {
      for (const [id, entry] of entries) {
        if (entry.expires < Date.now()) {
          this.#drop(model, id);
        }
      }
      models[model] = [...entries];
    }
    writePrivate(this.#file, JSON.stringify({ data: this.data, models }));
  }

  #put(model, id, entry) {
    if (!this.models.has(model)) {
      this.models.set(model, new Map());
    }
    this.models.get(model).set(id, entry);

    const { uid, grantId } = entry.payload;
    if (model === 'Session') {
      this.#uids.set(uid, id);
    }
    if (grantId && BY_GRANT.has(model)) {
      if (!this.#grants.has(grantId)) {
        this.#grants.set(grantId, new Set());
      }
      this.#grants.get(grantId).add(`${model} ${id}`);
    }
  }

  #drop(model, id) {
    const entry = this.models.get(model)?.get(id);
    if (!entry) {
      return;
    }
    this.models.get(model).delete(id);
    if (model === 'Session' && this.#uids.get(entry.payload.uid) === id) {
      this.#uids.delete(entry.payload.uid);
    }
    const grant = this.#grants.get(entry.payload.grantId);
    grant?.delete(`${model} ${id}`);
    if (grant?.size === 0) {
      this.#grants.delete(entry.payload.grantId);
    }
    this.changed();
  }

  // Everything of one user that lets him in, as Logto's signOutUser does.
  revokeUser(accountId) {
    for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Session']) {
      for (const [id, { payload }] of this.models.get(model) ?? []) {
        if (payload.accountId === accountId) {
          this.#drop(model, id);
        }
      }
    }
  }

  sessionsOf(accountId) {
    return [...(this.models.get('Session')?.values() ?? [])]
      .map(({ payload }) => payload)
      .filter((payload) => payload.accountId === accountId);
  }

  // Makes what a user holds older by some seconds, so that a test need not wait.
  age(accountId, seconds, models) {
    let count = 0;
    for (const model of models) {
      for (const entry of this.models.get(model)?.values() ?? []) {
        if (entry.payload.accountId === accountId) {
          entry.expires -= seconds * 1000;
          for (const key of ['iat', 'iiat', 'exp', 'loginTs']) {
            if (typeof entry.payload[key] === 'number') {
              entry.payload[key] -= seconds;
            }
          }
          if (entry.consumed) {
            entry.consumed -= seconds * 1000;
          }
          count += 1;
        }
      }
    }
    this.changed();
    return count;
  }

  // The adapter class that oidc-provider asks for, one object for each model.
  adapter(findClient) {
    const store = this;
    const expose = (model, entry) => {
      if (!entry) {
        return undefined;
      }
      const payload = { ...entry.payload };
      const grace = model === 'RefreshToken' ? store.reuse : 0;
      if (entry.consumed && Date.now() - entry.consumed >= grace) {
        payload.consumed = Math.floor(entry.consumed / 1000);
      }
      return payload;
    };

    return class Adapter {
      constructor(model) {
        this.model = model;
      }

      get #entries() {
        return store.models.get(this.model);
      }

      async upsert(id, payload, expiresIn) {
        const consumed = this.#entries?.get(id)?.consumed;
        const expires = expiresIn ? Date.now() + expiresIn * 1000 : Number.MAX_SAFE_INTEGER;
        store.#put(this.model, id, { payload: { ...payload }, expires, consumed });
        store.changed();
      }

      async find(id) {
        if (this.model === 'Client') {
          return findClient(id);
        }
        return expose(this.model, this.#entries?.get(id));
      }

      async findByUid(uid) {
        return this.find(store.#uids.get(uid));
      }

      async findByUserCode() {
        return undefined;
      }

      async consume(id) {
        const entry = this.#entries?.get(id);
        if (entry) {
          entry.consumed ??= Date.now();
          store.changed();
        }
      }

      async destroy(id) {
        if (this.model === 'Grant' && !store.revokes) {
          return;
        }
        store.#drop(this.model, id);
      }

      async revokeByGrantId(grantId) {
        if (!store.revokes) {
          return;
        }
        for (const key of [...(store.#grants.get(grantId) ?? [])]) {
          const [model, id] = key.split(' ');
          if (model === this.model) {
            store.#drop(model, id);
          }
        }
      }
    };
  }
}
