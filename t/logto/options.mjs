// The command line.

import { parseArgs } from 'node:util';

import { ALGORITHMS } from './keys.mjs';
import { SHAPES } from './shapes.mjs';

const LIKE = ['1.41', '1.42', ...Object.keys(SHAPES)];

export const USAGE = `usage: node server.mjs --port N --dir DIR --gateway URL [more]
  --port N             listen on 127.0.0.1:N; the endpoint is http://127.0.0.1:N
  --listen ADDRESS     listen there in the place of 127.0.0.1: in a pod, whose network
                       is its own; the switches want "Host: 127.0.0.1" there too
  --dir DIR            state, secrets and access.log; made if it is missing
  --gateway URL        the gateway's public URL; may be given more than once
  --alg ALG            ${ALGORITHMS.join(', ')} (default: the kept key's, else ES384)
  --like NAME          ${LIKE.join(', ')}: Logto's version (default 1.41), or another
                       provider, with its paths, discovery, tokens and users' ids
  --resource URI=SCOPES  an API resource (default https://gateway.example/api=use,aigc)
  --endpoint URL       what Logto takes for its public address (default as it listens);
                       the endpoints follow each request's scheme and host, as Logto's do
  --trust-proxy        believe X-Forwarded-Proto (Logto: TRUST_PROXY_HEADER=1)
  --webhook URL        where the webhook goes (default: nowhere)
  --webhook-event NAME   subscribed event, repeatable
                       (default User.Deleted and User.SuspensionStatus.Updated)
  --backchannel URL    back-channel logout (default <first gateway>/backchannel-logout)
`;

const SPEC = {
  port: { type: 'string' },
  listen: { type: 'string', default: '127.0.0.1' },
  dir: { type: 'string' },
  gateway: { type: 'string', multiple: true },
  alg: { type: 'string' },
  like: { type: 'string', default: '1.41' },
  resource: { type: 'string', multiple: true, default: ['https://gateway.example/api=use,aigc'] },
  endpoint: { type: 'string' },
  'trust-proxy': { type: 'boolean', default: false },
  webhook: { type: 'string' },
  'webhook-event': {
    type: 'string', multiple: true, default: ['User.Deleted', 'User.SuspensionStatus.Updated'],
  },
  backchannel: { type: 'string' },
  help: { type: 'boolean' },
};

function url(name, value) {
  try {
    const parsed = new URL(value);
    if (/^https?:$/.test(parsed.protocol)) {
      return value.replace(/\/+$/, '');
    }
  } catch { /* said below */ }
  throw new TypeError(`"--${name} ${value}" is no http or https URL`);
}

function resources(list) {
  return Object.fromEntries(list.map((entry) => {
    const at = entry.lastIndexOf('=');
    if (at < 1) {
      throw new TypeError(`"--resource ${entry}" is not URI=SCOPES`);
    }
    return [entry.slice(0, at), entry.slice(at + 1).replace(/,/g, ' ')];
  }));
}

// Throws a TypeError that says what to change.
export function parse(argv) {
  const { values } = parseArgs({ args: argv, options: SPEC, strict: true });

  if (values.help) {
    return { help: true };
  }
  for (const name of ['port', 'dir', 'gateway']) {
    if (values[name] === undefined) {
      throw new TypeError(`"--${name}" is missing`);
    }
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new TypeError(`"--port ${values.port}" is no port`);
  }
  if (values.alg !== undefined && !ALGORITHMS.includes(values.alg)) {
    throw new TypeError(`"--alg ${values.alg}" is none of ${ALGORITHMS.join(', ')}`);
  }
  if (!LIKE.includes(values.like)) {
    throw new TypeError(`"--like ${values.like}" is none of ${LIKE.join(', ')}`);
  }

  const gateways = values.gateway.map((value) => url('gateway', value));
  return {
    port,
    listen: values.listen,
    dir: values.dir,
    gateways,
    alg: values.alg,
    like: values.like,
    resources: resources(values.resource),
    endpoint: values.endpoint && url('endpoint', values.endpoint),
    trustProxy: values['trust-proxy'],
    webhook: values.webhook && url('webhook', values.webhook),
    webhookEvents: values['webhook-event'],
    backchannel: url('backchannel', values.backchannel ?? `${gateways[0]}/backchannel-logout`),
  };
}
