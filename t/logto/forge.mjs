// Tokens signed as a test asks: genuine ones, and every kind of forgery.

import crypto from 'node:crypto';

import { generateKey, publicPart } from './keys.mjs';
import { claims as userClaims } from './users.mjs';
import { selfSigned } from './x5c.mjs';

const HASHES = { 256: 'sha256', 384: 'sha384', 512: 'sha512' };

const KINDS = ['current', 'next', 'previous', 'unknown', 'attacker', 'hmac-public-key', 'none'];

const encode = (value) => Buffer
  .from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

const hashOf = (alg) => HASHES[String(alg).slice(2)] ?? 'sha256';

// A key of the same kind as the current one that Logto has never seen.
export function attackerKey({ attackers, keys: { current: { alg } } }) {
  attackers[alg] ??= generateKey(alg);
  return attackers[alg];
}

// A signature of the key's own kind; what the header claims is another matter.
function signWith(jwk, alg, input, der) {
  const key = crypto.createPrivateKey({ key: jwk, format: 'jwk' });

  if (jwk.kty === 'OKP') {
    return crypto.sign(null, input, key);
  }
  if (jwk.kty === 'EC') {
    const dsaEncoding = der ? 'der' : 'ieee-p1363';
    return crypto.sign(hashOf(jwk.alg), input, { key, dsaEncoding });
  }
  const pss = String(alg).startsWith('PS') || (!String(alg).startsWith('RS') && jwk.alg === 'PS256');
  return crypto.sign(hashOf(alg), input, pss
    ? { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 } : key);
}

// Takes members out of a signed token's header or claims, or changes these, and signs it again.
export function resign(token, jwk, drop) {
  const [header, old] = token.split('.').slice(0, 2).map(decode);
  const claims = drop.change ? drop.change(old) : old;
  for (const name of drop.header ?? []) {
    delete header[name];
  }
  for (const name of drop.claims ?? []) {
    delete claims[name];
  }
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signWith(jwk, jwk.alg, Buffer.from(input)).toString('base64url')}`;
}

// The forms in which a careless verifier may take a public key for an HMAC secret.
function publicSecret(jwk, form = 'pem') {
  const key = crypto.createPublicKey({ key: publicPart(jwk), format: 'jwk' });
  const pem = key.export({ type: 'spki', format: 'pem' });
  const forms = {
    pem,
    'pem-no-newline': pem.trimEnd(),
    'pem-crlf': pem.replace(/\n/g, '\r\n'),
    der: key.export({ type: 'spki', format: 'der' }),
    jwk: JSON.stringify(publicPart(jwk)),
    'jwk-x': jwk.x ?? jwk.n,
    empty: '',
  };
  if (!Object.hasOwn(forms, form)) {
    throw new TypeError(`"form" must be one of ${Object.keys(forms).join(', ')}`);
  }
  return forms[form];
}

function baseClaims(world, type, user, now) {
  const id = (bytes) => crypto.randomBytes(bytes).toString('base64url');
  const common = { aud: world.apps.gateway.id, iat: now, iss: world.issuer };
  const exp = now + world.settings.lifetimes.id_token;

  if (type === 'logout') {
    return {
      sub: user.id,
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      jti: id(16),
      sid: id(16),
      ...common,
    };
  }
  if (type === 'access') {
    return {
      jti: id(16),
      sub: user.id,
      scope: 'aigc',
      client_id: world.apps.gateway.id,
      ...common,
      exp,
      aud: Object.keys(world.options.resources)[0],
    };
  }
  const { phone_number: _, phone_number_verified: __, ...rest } = userClaims(user, 'id_token');
  return { ...rest, at_hash: id(24), sid: id(16), ...common, exp };
}

// "now", "now+60" and "now-60" become times.
function times(claims, now) {
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => {
    const match = typeof value === 'string' && /^now([+-]\d+)?$/.exec(value);
    return [name, match ? now + Number(match[1] ?? 0) : value];
  }));
}

function embed(world, header, jwk) {
  const lure = `${world.endpoint}/_control/attacker`;
  const key = publicPart(jwk);
  const fill = {
    jwk: key,
    jku: `${lure}/jwks`,
    x5u: `${lure}/x5u`,
    x5c: [selfSigned(jwk).toString('base64')],
  };
  for (const [name, value] of Object.entries(fill)) {
    if (header[name] === true) {
      header[name] = value;
    }
  }
  for (const name of ['current', 'next', 'previous']) {
    if (header.kid === `@${name}`) {
      header.kid = world.keys[name]?.kid;
    }
  }
}

function spoil(signature, how) {
  switch (how) {
    case undefined: return signature.toString('base64url');
    case 'empty': return '';
    case 'zero': return Buffer.alloc(signature.length).toString('base64url');
    case 'flip': {
      const copy = Buffer.from(signature);
      copy[copy.length >> 1] ^= 1;
      return copy.toString('base64url');
    }
    case 'short': return signature.subarray(0, -1).toString('base64url');
    default:
      throw new TypeError('"signature" must be one of empty, zero, flip, short, der');
  }
}

// One order as POST /_control/sign-token takes it; see README.md.
export function forge(world, order) {
  const {
    key: kind = 'current', user: name = 'alice', type = 'id', header: headers = {},
    claims = {}, drop = [], form, payload, signature,
  } = order;

  const user = world.users.find(name);
  if (!user) {
    throw new TypeError(`no user "${name}"`);
  }
  if (!KINDS.includes(kind)) {
    throw new TypeError(`"key" must be one of ${KINDS.join(', ')}`);
  }
  const foreign = kind === 'unknown' || kind === 'attacker';
  const jwk = foreign ? attackerKey(world) : world.keys[kind] ?? world.keys.current;
  if (['next', 'previous'].includes(kind) && !world.keys[kind]) {
    throw new TypeError(`there is no ${kind} key`);
  }

  const header = {
    alg: { none: 'none', 'hmac-public-key': 'HS256' }[kind] ?? jwk.alg,
    typ: { access: 'at+jwt', logout: 'logout+jwt' }[type] ?? 'JWT',
    kid: kind === 'attacker' ? world.keys.current.kid : jwk.kid,
    ...headers,
  };
  embed(world, header, jwk);

  const now = Math.floor(Date.now() / 1000);
  const body = { ...baseClaims(world, type, user, now), ...times(claims, now) };

  for (const path of drop) {
    const [part, member] = path.split('.');
    delete (part === 'header' ? header : body)[member];
  }

  const input = `${encode(header)}.${encode(payload ?? body)}`;

  if (kind === 'none') {
    return `${input}.`;
  }
  const raw = kind === 'hmac-public-key'
    ? crypto.createHmac(hashOf(header.alg), publicSecret(jwk, form)).update(input).digest()
    : signWith(jwk, header.alg, Buffer.from(input), signature === 'der');

  return `${input}.${spoil(raw, signature === 'der' ? undefined : signature)}`;
}
