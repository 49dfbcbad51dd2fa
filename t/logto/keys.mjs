// Logto's signing keys: Next (published, not yet signing), Current, Previous.

import crypto from 'node:crypto';
const GENERATE = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  ES512: ['ec', { namedCurve: 'P-521' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

export const ALGORITHMS = Object.keys(GENERATE);

const MODES = ['next', 'rotate', 'drop-previous'];

// RFC 7638: 43 base64url characters.
function thumbprint(jwk) {
  const members = { EC: ['crv', 'kty', 'x', 'y'], RSA: ['e', 'kty', 'n'], OKP: ['crv', 'kty', 'x'] };
  const canonical = JSON.stringify(jwk, members[jwk.kty]);
  return crypto.createHash('sha256').update(canonical).digest('base64url');
}

export function generateKey(alg) {
  const [type, options] = GENERATE[alg];
  const { privateKey } = crypto.generateKeyPairSync(type, options);
  const jwk = privateKey.export({ format: 'jwk' });
  return { ...jwk, use: 'sig', kid: thumbprint(jwk), alg };
}

export function publicPart({ d, p, q, dp, dq, qi, ...jwk }) {
  return jwk;
}

export class Keys {
  #store;

  constructor(store) {
    this.#store = store;
  }

  load(alg) {
    const saved = this.#store.data.keys;
    if (!saved) {
      this.#set({ current: generateKey(alg ?? 'ES384') });
    } else if (alg && saved.current.alg !== alg) {
      this.rotate(alg, 'rotate');
    }
  }

  #set(keys) {
    this.#store.data.keys = keys;
    this.#store.changed();
  }

  get current() { return this.#store.data.keys.current; }

  get next() { return this.#store.data.keys.next; }

  get previous() { return this.#store.data.keys.previous; }

  // Current first: oidc-provider signs with the first that fits.
  get private() {
    return [this.current, this.next, this.previous].filter(Boolean);
  }

  get public() {
    return this.private.map(publicPart);
  }

  rotate(alg, mode) {
    if (alg !== undefined && !ALGORITHMS.includes(alg)) {
      throw new TypeError(`"alg" must be one of ${ALGORITHMS.join(', ')}`);
    }
    if (!MODES.includes(mode)) {
      throw new TypeError(`"mode" must be one of ${MODES.join(', ')}`);
    }

    const { current, next, previous } = this;
    const fresh = () => generateKey(alg ?? current.alg);

    if (mode === 'next') {
      this.#set({ current, next: fresh(), previous });
    } else if (mode === 'drop-previous') {
      this.#set({ current, next });
    } else {
      const use = next && (!alg || next.alg === alg) ? next : fresh();
      this.#set({ current: use, previous: current });
    }
  }

  summary() {
    const brief = (key) => (key ? { kid: key.kid, alg: key.alg } : null);
    return {
      current: brief(this.current), next: brief(this.next), previous: brief(this.previous),
    };
  }
}
