// Other providers' shapes, as they document them: paths, discovery, keys, tokens, users' ids.
// --like NAME makes the stand-in answer as one of them does; without it it is Logto.

import crypto from 'node:crypto';

import { generateKey, publicPart } from './keys.mjs';

const uuid = (name) => crypto.createHash('sha1').update(name).digest('hex')
  .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');

const person = (user) => ({
  email: user.primaryEmail,
  email_verified: true,
  name: user.name,
  preferred_username: user.username,
});

const pick = (claims, ...names) => Object.fromEntries(names
  .filter((name) => claims[name] !== undefined).map((name) => [name, claims[name]]));

// A key for encryption stands beside those for signatures in a realm's certs, and each has its
// certificates: here long ones, so that all of it has more than 16 KB, as Entra's can have.
let encryption;

function certs({ keys }) {
  encryption ??= { ...publicPart(generateKey('RS256')), use: 'enc', alg: 'RSA-OAEP' };
  return {
    keys: [encryption, ...keys.public].map((key) => ({ ...key, x5c: [`MII${'A'.repeat(9000)}`] })),
  };
}

const KEYCLOAK = '/protocol/openid-connect';

export const SHAPES = {
  // Keycloak 26: server_admin guide, "OpenID Connect URI endpoints"; claims as of its token mappers
  // with "Add to ID token" on for realm roles and client roles.
  keycloak: {
    path: '/realms/aigc',
    alg: 'RS256',
    routes: {
      authorization: `${KEYCLOAK}/auth`,
      token: `${KEYCLOAK}/token`,
      jwks: `${KEYCLOAK}/certs`,
      userinfo: `${KEYCLOAK}/userinfo`,
      introspection: `${KEYCLOAK}/token/introspect`,
      revocation: `${KEYCLOAK}/revoke`,
      end_session: `${KEYCLOAK}/logout`,
    },
    alwaysRefresh: true,        // without offline_access, too: it ends with the SSO session
    id: uuid,
    jwks: certs,
    discovery: (issuer) => ({
      issuer,
      authorization_endpoint: `${issuer}${KEYCLOAK}/auth`,
      token_endpoint: `${issuer}${KEYCLOAK}/token`,
      introspection_endpoint: `${issuer}${KEYCLOAK}/token/introspect`,
      userinfo_endpoint: `${issuer}${KEYCLOAK}/userinfo`,
      end_session_endpoint: `${issuer}${KEYCLOAK}/logout`,
      frontchannel_logout_session_supported: true,
      frontchannel_logout_supported: true,
      jwks_uri: `${issuer}${KEYCLOAK}/certs`,
      check_session_iframe: `${issuer}${KEYCLOAK}/login-status-iframe.html`,
      grant_types_supported: ['authorization_code', 'client_credentials', 'implicit', 'password',
        'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types_supported: ['code', 'none', 'id_token', 'token', 'id_token token'],
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: ['PS384', 'RS384', 'EdDSA', 'ES384', 'HS256', 'HS512',
        'ES256', 'RS256', 'HS384', 'ES512', 'PS256', 'PS512', 'RS512'],
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic',
        'client_secret_post', 'tls_client_auth', 'client_secret_jwt'],
      claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'auth_time', 'name', 'given_name',
        'family_name', 'preferred_username', 'email', 'acr', 'azp', 'nonce'],
      scopes_supported: ['openid', 'profile', 'email', 'roles', 'offline_access', 'web-origins',
        'acr', 'basic', 'address', 'phone', 'microprofile-jwt', 'organization'],
      code_challenge_methods_supported: ['plain', 'S256'],
      tls_client_certificate_bound_access_tokens: true,
      revocation_endpoint: `${issuer}${KEYCLOAK}/revoke`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      authorization_response_iss_parameter_supported: true,
    }),
    token(use, claims, user) {
      if (use === 'logout') {
        return {
          ...pick(claims, 'iat', 'exp', 'jti', 'iss', 'aud', 'sub', 'sid', 'events'), typ: 'Logout',
        };
      }
      return {
        ...pick(claims, 'exp', 'iat', 'iss', 'aud', 'sub', 'nonce', 'sid', 'at_hash'),
        auth_time: claims.iat,
        jti: crypto.randomUUID(),
        typ: 'ID',
        azp: claims.aud,
        acr: '1',
        realm_access: { roles: [...user.roles, 'offline_access', 'uma_authorization', 'default-roles-aigc'] },
        resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
        ...person(user),
      };
    },
  },

  // Dex 2.4x: dexidp.io/docs, "OpenID Connect"; server/handlers.go, discovery and newIDToken.
  dex: {
    path: '/dex',
    alg: 'RS256',
    routes: { authorization: '/auth', token: '/token', jwks: '/keys', userinfo: '/userinfo' },
    without: ['revocation', 'rpInitiatedLogout', 'backchannelLogout', 'iss'],
    rotates: true,
    secret: '+/=:%&',           // RFC 6749 2.3.1: encoded before Basic encodes them
    // a protobuf of the connector's id of the user, and of the connector
    id: (name) => Buffer.concat([
      Buffer.from([10, 36]), Buffer.from(uuid(name)), Buffer.from([18, 4]), Buffer.from('ldap'),
    ]).toString('base64url'),
    discovery: (issuer) => ({
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      userinfo_endpoint: `${issuer}/userinfo`,
      device_authorization_endpoint: `${issuer}/device/code`,
      introspection_endpoint: `${issuer}/token/introspect`,
      grant_types_supported: ['authorization_code', 'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange'],
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      code_challenge_methods_supported: ['S256', 'plain'],
      scopes_supported: ['openid', 'email', 'groups', 'profile', 'offline_access'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      claims_supported: ['iss', 'sub', 'aud', 'iat', 'exp', 'email', 'email_verified', 'locale',
        'name', 'preferred_username', 'at_hash'],
    }),
    token: (_use, claims, user) => ({
      ...pick(claims, 'iss', 'sub', 'aud', 'exp', 'iat', 'nonce', 'at_hash'),
      ...person(user),
      groups: user.roles,
    }),
    header: ['typ'],
  },

  // One that does all else in another way: an issuer that ends with "/", one key that names neither
  // kid nor alg, the secret in the form alone, claims with URLs for names, no refresh tokens.
  other: {
    path: '',
    alg: 'ES256',
    routes: { authorization: '/authorize', token: '/oauth/token', jwks: '/jwks.json', end_session: '/logout' },
    without: ['revocation', 'backchannelLogout', 'iss'],
    auth: 'client_secret_post',
    id: (name) => `auth0|${uuid(name).replace(/-/g, '').slice(0, 24)}`,
    jwks: ({ keys }) => ({ keys: keys.public.map(({ kid, alg, use, ...key }) => key) }),
    discovery: (issuer) => ({
      issuer,
      authorization_endpoint: `${issuer}authorize`,
      token_endpoint: `${issuer}oauth/token`,
      jwks_uri: `${issuer}jwks.json`,
      end_session_endpoint: `${issuer}logout?federated`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    }),
    token: (_use, claims, user) => ({
      ...pick(claims, 'iss', 'sub', 'exp', 'iat', 'nonce'),
      aud: [claims.aud],
      nickname: user.username,
      'https://aigc.example/roles': user.roles,
      roles: 'not those',
    }),
    header: ['typ', 'kid'],
  },
};
