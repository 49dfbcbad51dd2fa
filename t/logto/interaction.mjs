// What a person sees: the sign-in form.  Consent to a first-party application is automatic.

import { errors } from 'oidc-provider';

import { escapeHtml, readBody, redirect, send } from './http.mjs';

const HTML = 'text/html; charset=utf-8';

const WRONG = 'Incorrect account or password. Please check your input.';
const SUSPENDED = 'This account is suspended.';
const EXPIRED = 'This sign-in has expired. Go back to the application and start again.';

function page(body) {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 22rem; margin: 12vh auto; padding: 0 1rem }
  label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
  input, button { margin: .25rem 0 1rem; padding: .5rem }
  .error { color: #b00020 }
</style>
</head>
<body>
<h1>Sign in</h1>
${body}
</body>
</html>
`;
}

function form(username, message) {
  return page(`${message ? `<p class="error" role="alert">${escapeHtml(message)}</p>` : ''}
<form method="post" action="/sign-in">
<label>Username
<input name="username" value="${escapeHtml(username)}" autocomplete="username" required autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button>
</form>
<p><a href="/sign-in/cancel">Cancel</a></p>`);
}

const expired = (res) => send(res, 400, HTML, page(`<p class="error">${EXPIRED}</p>`));

// The interaction that the browser's cookie names, if there is one.
async function current({ provider }, req, res) {
  try {
    return await provider.interactionDetails(req, res);
  } catch (err) {
    if (err instanceof errors.SessionNotFound) {
      return undefined;
    }
    throw err;
  }
}

export async function showSignIn(world, req, res) {
  const interaction = await current(world, req, res);
  if (!interaction) {
    expired(res);
    return;
  }
  req.seen = { client: interaction.params.client_id };
  send(res, 200, HTML, form(interaction.params.login_hint ?? ''));
}

// The browser's cookie names the interaction, not the form: of two tabs the last one that was
// opened, whichever is filled in, and after that none.
export async function signIn(world, req, res) {
  const fields = new URLSearchParams(await readBody(req));
  const username = fields.get('username') ?? '';
  const interaction = await current(world, req, res);

  if (!interaction || interaction.prompt.name !== 'login') {
    expired(res);
    return;
  }
  req.seen = { client: interaction.params.client_id };

  const user = world.users.byName(username);
  if (!user || user.password === null || user.password !== fields.get('password')) {
    send(res, 422, HTML, form(username, WRONG));
    return;
  }
  if (user.isSuspended) {
    send(res, 401, HTML, form(username, SUSPENDED));
    return;
  }

  world.users.update(user, {
    lastSignInAt: Date.now(),
    applicationId: user.applicationId ?? interaction.params.client_id,
  });

  await finish(interaction, { login: { accountId: user.id } });
  redirect(res, 303, interaction.returnTo);
}

// "Cancel": back to the application without a word, or with one (?how=error).
export async function cancel(world, req, res) {
  const interaction = await current(world, req, res);
  if (!interaction) {
    expired(res);
    return;
  }
  req.seen = { client: interaction.params.client_id };

  if (new URL(req.url, world.endpoint).searchParams.get('how') === 'error') {
    await finish(interaction, {
      error: 'access_denied', error_description: 'The resource owner denied the request.',
    });
    redirect(res, 303, interaction.returnTo);
    return;
  }
  redirect(res, 303, interaction.params.redirect_uri);
}

async function finish(interaction, result) {
  interaction.result = { ...interaction.lastSubmission, ...result };
  await interaction.save(interaction.exp - Math.floor(Date.now() / 1000));
}

export async function consent(world, req, res) {
  const interaction = await current(world, req, res);
  if (!interaction || interaction.prompt.name !== 'consent') {
    expired(res);
    return;
  }

  const { prompt: { details }, params: { client_id: clientId }, session, grantId } = interaction;
  const { Grant } = world.provider;
  const grant = (grantId && await Grant.find(grantId))
    || new Grant({ accountId: session.accountId, clientId });

  req.seen = { client: clientId };

  if (details.missingOIDCScope) {
    grant.addOIDCScope(details.missingOIDCScope.join(' '));
  }
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }

  await finish(interaction, { consent: { grantId: await grant.save() } });
  redirect(res, 302, interaction.returnTo);
}
