// oidc-provider set up as Logto sets up its fork of it.

import crypto from 'node:crypto';

import { Provider, errors } from 'oidc-provider';

import { lookup } from './outgoing.mjs';
import { claims } from './users.mjs';
import { resign } from './forge.mjs';

export const MANAGEMENT = 'https://default.logto.app/api';
export const OTHER_CALLBACK = 'http://127.0.0.1:1/callback';

const SESSION_S = 14 * 86400;
const GRANT_S = 180 * 86400;

const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'phone', 'address', 'custom_data',
  'identities', 'roles', 'urn:logto:scope:organizations', 'urn:logto:scope:organization_roles',
  'urn:logto:scope:sessions'];

const CLAIMS = {
  profile: ['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username',
    'profile', 'picture', 'website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at',
    'username', 'created_at'],
  email: ['email', 'email_verified'],
  phone: ['phone_number', 'phone_number_verified'],
  address: ['address'],
  custom_data: ['custom_data'],
  identities: ['identities', 'sso_identities'],
  roles: ['roles'],
  'urn:logto:scope:organizations': ['organizations', 'organization_data'],
  'urn:logto:scope:organization_roles': ['organization_roles'],
};

const MESSAGES = {
  aborted: 'The end-user aborted interaction.',
  access_denied: 'Access denied.',
  insufficient_scope: 'Token missing scope.',
  invalid_grant: 'Grant request is invalid.',
  invalid_redirect_uri:
    "`redirect_uri` did not match any of the client's registered `redirect_uris`.",
  invalid_request: 'Request is invalid.',
  invalid_target: 'Invalid resource indicator.',
  invalid_token: 'Invalid token provided.',
  server_error: 'An unknown OIDC error occurred. Please try again later.',
  unsupported_grant_type: 'Unsupported `grant_type` requested.',
  unsupported_response_mode: 'Unsupported `response_mode` requested.',
  unsupported_response_type: 'Unsupported `response_type` requested.',
};

function logtoError({ error, error_description: description, ...rest }) {
  const message = error === 'invalid_scope'
    ? `Invalid scope: ${description}.`
    : MESSAGES[error] ?? `An OIDC error occurred: oidc.${error}.`;

  return {
    code: `oidc.${error}`,
    message,
    ...(error === 'invalid_grant' && { error_uri: 'https://openid.sh/debug/invalid_grant' }),
    error,
    error_description: description,
    ...rest,
  };
}

function clients(world) {
  const { apps, options, settings, keys, shape } = world;
  const alg = keys.current.alg;
  const m2m = ({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    id_token_signed_response_alg: alg,
  });

  return [{
    client_id: apps.gateway.id,
    client_secret: apps.gateway.secret,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: options.gateways.map((url) => `${url}/sign-in-callback`),
    post_logout_redirect_uris: options.gateways.map((url) => `${url}/`),
    ...(!shape?.without?.includes('backchannelLogout') && {
      backchannel_logout_uri: settings.backchannelUrl,
      backchannel_logout_session_required: true,
    }),
    ...(shape?.auth && { token_endpoint_auth_method: shape.auth }),
    id_token_signed_response_alg: alg,
  }, {
    client_id: apps.other.id,
    client_secret: apps.other.secret,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [OTHER_CALLBACK],
    id_token_signed_response_alg: alg,
  }, m2m(apps.m2m), m2m(apps.m2mNoRole)];
}

// Any application gets a token for any resource.  What it may do there is another matter: a user's
// scopes come with a role, a machine's with its own, and a third party has those it was given.
function resourceScopes(world, indicator, client, ctx) {
  const { options, apps, settings, users } = world;
  const all = options.resources[indicator];

  if (client.grantTypeAllowed('client_credentials')) {
    const app = Object.keys(apps).find((name) => apps[name].id === client.clientId);
    return settings.machineScopes[app] ?? '';
  }
  if (client.clientId === apps.other.id) {
    return settings.machineScopes.other ?? '';
  }
  const user = users.byId(ctx.oidc.entities.Account?.accountId ?? ctx.oidc.session?.accountId ?? '');
  return user && user.roles.length === 0 ? '' : all;
}

function resourceServer(world, indicator, client, ctx) {
  const { options, apps, settings, keys } = world;
  const sign = {
    accessTokenFormat: 'jwt',
    accessTokenTTL: settings.lifetimes.access_token,
    jwt: { sign: { alg: keys.current.alg } },
  };

  if (indicator === MANAGEMENT) {
    return { ...sign, scope: client.clientId === apps.m2m.id ? 'all' : '' };
  }
  if (Object.hasOwn(options.resources, indicator)) {
    return { ...sign, scope: resourceScopes(world, indicator, client, ctx) };
  }
  throw new errors.InvalidTarget();
}

function defaultResource(ctx, client, oneOf) {
  if (oneOf) {
    return oneOf;
  }
  if (ctx.oidc.params.grant_type === 'client_credentials') {
    throw new errors.InvalidTarget('both `resource` and `organization_id` are not provided');
  }
  return undefined;
}

// An RSA key does not say which algorithm it is for.
function bare({ alg, ...key }) {
  return key.kty === 'RSA' ? key : { ...key, alg };
}

function rotateRefreshToken({ oidc: { entities: { RefreshToken: token } } }) {
  return token.ttlPercentagePassed() >= 70;
}

const logoutPage = (form) => `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta name="viewport" content="width=device-width, initial-scale=1.0">
  <title>Sign Out</title>
</head>
<body onload="document.getElementById('op.logoutForm').submit();">
  ${form}
  <input type="hidden" form="op.logoutForm" value="yes" name="logout" />
</body>
</html>
`;

// What a user may not sign in to (application access control) is refused at the token endpoint.
function findAccount(world, ctx, sub) {
  const user = world.users.byId(sub);
  if (!user) {
    throw new errors.InvalidGrant('user not found');
  }
  if (user.denied && ctx.oidc.route === 'token') {
    throw new errors.AccessDenied('the user has no access to this application');
  }
  return user.isSuspended ? undefined : {
    accountId: sub,
    claims: async (use) => {
      const { roles, ...rest } = claims(user, use);
      return use === 'id_token' && !world.settings.rolesInIdToken ? rest : { ...rest, roles };
    },
  };
}

function configuration(world) {
  const { settings, store, keys, shape } = world;
  const has = (feature) => !shape?.without?.includes(feature);
  const life = (name) => () => settings.lifetimes[name];
  const cookie = { sameSite: 'lax', path: '/', signed: true, overwrite: true };

  return {
    adapter: store.adapter((id) => {
      throw new errors.InvalidClient(`invalid client ${id}`);
    }),
    clients: clients(world),
    cookies: { keys: store.data.cookieKeys, long: cookie, short: cookie },
    jwks: { keys: keys.private.map(bare) },
    enabledJWA: { idTokenSigningAlgValues: keys.current.kty === 'RSA' ? ['PS256', 'RS256'] : [keys.current.alg] },
    conformIdTokenClaims: false,
    scopes: SCOPES,
    claims: CLAIMS,
    responseTypes: ['code id_token', 'code', 'id_token', 'none'],
    extraParams: ['first_screen', 'direct_sign_in', 'identifier', 'organization_id'],
    findAccount: (ctx, sub) => findAccount(world, ctx, sub),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: true },
      revocation: { enabled: has('revocation') },
      introspection: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      backchannelLogout: { enabled: has('backchannelLogout') },
      requestObjects: { request: false, requestUri: false },
      rpInitiatedLogout: {
        enabled: has('rpInitiatedLogout'),
        logoutSource: (ctx, form) => { ctx.body = logoutPage(form); },
        postLogoutSuccessSource: (ctx) => { ctx.body = '<!DOCTYPE html>\n<p>Signed out.\n'; },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource,
        useGrantedResource: () => false,
        getResourceServerInfo: (ctx, indicator, client) => (
          resourceServer(world, indicator, client, ctx)),
      },
    },
    interactions: {
      url: (_ctx, { prompt, params: { client_id: id } }) => (
        `/${prompt.name === 'consent' ? 'consent' : 'sign-in'}?app_id=${encodeURIComponent(id)}`),
    },
    ttl: {
      AccessToken: life('access_token'),
      ClientCredentials: life('access_token'),
      AuthorizationCode: life('code'),
      IdToken: life('id_token'),
      RefreshToken: life('refresh_token'),
      Interaction: life('interaction'),
      Session: SESSION_S,
      Grant: GRANT_S,
    },
    rotateRefreshToken: (ctx) => settings.rotates ?? shape?.rotates ?? rotateRefreshToken(ctx),
    ...(shape && {
      routes: shape.routes,
      issueRefreshToken: async (_ctx, client, code) => client.grantTypeAllowed('refresh_token')
        && (shape.alwaysRefresh || code.scopes.has('offline_access')),
    }),
    pkce: { methods: ['S256'], required: () => false },
    httpOptions: () => ({ dnsLookup: lookup }),
    renderError: (ctx, out) => { ctx.body = out; },
  };
}

// 1.41 sends logout tokens without exp; 1.42 ID tokens without typ and at_hash, and longer sids.
function dress(provider, world) {
  const { issue } = provider.IdToken.prototype;
  const { ensureClientContainer } = provider.Session.prototype;

  provider.Session.prototype.ensureClientContainer = function ensureAsLogto(clientId) {
    if (world.settings.like !== '1.41' && !this.sidFor(clientId)) {
      this.sidFor(clientId, crypto.randomBytes(32).toString('base64url'));
    }
    ensureClientContainer.call(this, clientId);
  };

  provider.IdToken.prototype.issue = async function issueAsLogto(options) {
    const token = await issue.call(this, options);
    const { shape } = world;
    const old = world.settings.like === '1.41';

    if (shape && ['idtoken', 'logout'].includes(options.use)) {
      return resign(token, world.keys.current, {
        header: shape.header,
        change: (given) => shape.token(options.use, given, world.users.byId(given.sub)),
      });
    }

    if (options.use === 'logout' && old) {
      return resign(token, world.keys.current, { claims: ['exp'] });
    }
    if (options.use === 'idtoken' && !old) {
      return resign(token, world.keys.current, { header: ['typ'], claims: ['at_hash'] });
    }
    return token;
  };
}

// What the provider says of itself, its keys, and the address that it sends the browser back to.
function reshape(world, ctx) {
  const { shape, issuer, options } = world;
  const back = ctx.response.get('location');

  if (ctx.path === '/.well-known/openid-configuration') {
    ctx.body = shape.discovery(issuer);
  } else if (shape.jwks && ctx.path === shape.routes.jwks) {
    ctx.body = shape.jwks(world);
  } else if (shape.without?.includes('iss')
    && options.gateways.some((url) => back.startsWith(`${url}/`))) {
    ctx.set('location', back.replace(/([?&])iss=[^&]*&?/, '$1').replace(/[?&]$/, ''));
  }
}

export function buildProvider(world) {
  const provider = new Provider(world.issuer, configuration(world));

  provider.proxy = world.options.trustProxy;
  dress(provider, world);

  provider.use(async (ctx, next) => {
    await next();
    if (ctx.status >= 400 && ctx.body?.error) {
      ctx.body = logtoError(ctx.body);
    }
    if (world.shape && ctx.status < 400) {
      reshape(world, ctx);
    }
    if (ctx.path === '/jwks') {
      ctx.set('cache-control', 'no-cache, max-age=0, must-revalidate');
    }
    ctx.req.seen = {
      client: ctx.oidc?.client?.clientId ?? ctx.oidc?.authorization?.clientId,
      grant: ctx.oidc?.route === 'token' ? ctx.oidc.params?.grant_type : undefined,
    };
  });

  provider.on('grant.error', (_ctx, err) => {
    world.log.counts.replays += err.error_detail === 'refresh token already used' ? 1 : 0;
  });

  provider.on('server_error', (_ctx, err) => {
    console.error(`logto: ${err.stack}`);
  });

  return provider;
}
