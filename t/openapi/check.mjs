// check.mjs — docs/openapi.yaml against OpenAPI 3.1; answers against it.
//
//   node check.mjs document              {"errors":[…],"operations":[…]}
//   node check.mjs answers <answers      [[errors of the first answer], …]
//
// An answer is {"method","path","status","type","headers":{…},"body",
// "request"?,"events"?}: path as it was asked for, without /api/v1; body and
// request decoded, or text; events: [{"event","data"}].

import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import yaml from 'js-yaml';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

const file = new URL('../../docs/openapi.yaml', import.meta.url);
const doc = yaml.load(readFileSync(file, 'utf8'), { schema: yaml.CORE_SCHEMA });


/* --- the document ---------------------------------------------------------- */

/* A document's member that "#/a/b" stands for; undefined: there is none. */
function at(pointer) {
  return pointer.slice(2).split('/')
    .map(part => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((node, part) => node?.[part], doc);
}

const resolve = node => node?.$ref ? resolve(at(node.$ref)) : node;

/* Every node below one, with its JSON pointer. */
function* walk(node, where = '#') {
  if (node === null || typeof node !== 'object') {
    return;
  }
  yield [node, where];
  for (const [key, value] of Object.entries(node)) {
    yield* walk(value, `${where}/${escape(key)}`);
  }
}

const escape = part => String(part).replaceAll('~', '~0').replaceAll('/', '~1');

/* What is not documented is an error: each object schema is closed. */
function closed() {
  const copy = structuredClone(doc);
  for (const [node] of walk(copy)) {
    if (node.type === 'object' && node.properties && !('additionalProperties' in node)) {
      node.additionalProperties = false;
    }
  }
  return copy;
}

const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addSchema({ $id: 'doc:///', ...closed() });

const compiled = new Map();

function validate(where, value) {
  if (!compiled.has(where)) {
    const fragment = where.slice(1).split('/').map(encodeURIComponent).join('/');
    compiled.set(where, ajv.compile({ $ref: `doc:///#${fragment}` }));
  }
  const test = compiled.get(where);
  return test(value) ? [] : test.errors.map(e => `${e.instancePath || '/'} ${e.message}`
    + (e.params?.additionalProperty ? ` (${e.params.additionalProperty})` : '')
    + (e.params?.allowedValues ? ` (${e.params.allowedValues})` : ''));
}

/* Where a node stands once its reference is followed. */
const place = (node, where) => node?.$ref ? place(at(node.$ref), node.$ref) : where;

function operations() {
  return Object.entries(doc.paths).flatMap(([path, item]) =>
    METHODS.filter(method => item[method]).map(method => {
      const where = `#/paths/${escape(path)}/${method}`;
      const responses = Object.entries(item[method].responses).map(([status, response]) => ({
        status: Number(status), where: place(response, `${where}/responses/${status}`),
        ...resolve(response),
      }));
      return { method: method.toUpperCase(), path, where, id: item[method].operationId,
        parameters: [...item.parameters ?? [], ...item[method].parameters ?? []].map(resolve),
        requestBody: item[method].requestBody, responses };
    }));
}

/* The codes that a problem's schema allows. */
function codes(response) {
  const found = [];
  for (const [node] of walk(response.content?.['application/problem+json']?.schema)) {
    const schema = node.$ref ? resolve(node) : node;
    const code = schema.properties?.code;
    found.push(...code?.enum ?? [], ...code?.const ? [code.const] : []);
  }
  return found;
}

async function checkDocument() {
  const { valid, errors } = await new Validator().validate(structuredClone(doc));
  const wrong = valid ? [] : [errors].flat().map(e => e.message ? `${e.instancePath ?? ''} ${e.message}` : String(e));
  const used = new Set();

  for (const [node, where] of walk(doc)) {
    if (typeof node.$ref === 'string') {
      used.add(node.$ref);
      if (at(node.$ref) === undefined) {
        wrong.push(`${where}: ${node.$ref} is not there`);
      }
    }
    if (where.startsWith('#/components/schemas/') && Array.isArray(node.examples)) {
      node.examples.forEach((example, i) =>
        wrong.push(...validate(where, example).map(e => `${where}/examples/${i}: ${e}`)));
    }
  }
  for (const [section, members] of Object.entries(doc.components)) {
    for (const name of Object.keys(members)) {
      if (section !== 'securitySchemes' && !used.has(`#/components/${section}/${name}`)) {
        wrong.push(`#/components/${section}/${name} is not used`);
      }
    }
  }
  for (const [media, where] of walk(doc)) {
    if (media.schema && media.examples) {
      for (const [name, example] of Object.entries(media.examples)) {
        wrong.push(...validate(`${where}/schema`, resolve(example).value)
          .map(e => `${where}/examples/${name}: ${e}`));
      }
    }
  }
  return { errors: wrong, operations: operations().map(o => ({ method: o.method, path: o.path, id: o.id,
    responses: Object.fromEntries(o.responses.map(r => [r.status, codes(r)])) })) };
}

/* --- answers ----------------------------------------------------------------- */

const all = operations().map(o => ({ ...o,
  match: new RegExp(`^${o.path.replaceAll(/\{[^}]+\}/g, '([^/]+)')}$`) }));

function checkAnswer(answer) {
  const o = all.find(o => o.method === answer.method && o.match.test(answer.path));
  if (!o) {
    return [`${answer.method} ${answer.path} is not documented`];
  }

  const response = o.responses.find(r => r.status === answer.status);
  if (!response) {
    return [`status ${answer.status} is not documented`];
  }

  const wrong = [];
  const media = response.content?.[answer.type];
  const header = Object.fromEntries(Object.entries(answer.headers).map(([k, v]) => [k.toLowerCase(), v]));

  for (const [name, raw] of Object.entries(response.headers ?? {})) {
    const value = header[name.toLowerCase()];
    const { required, schema } = resolve(raw);
    if (value === undefined) {
      wrong.push(...required ? [`the header ${name} is missing`] : []);
    } else {
      const where = place(raw, `${response.where}/headers/${name}`);
      wrong.push(...validate(`${where}/schema`, schema.type === 'integer' ? Number(value) : value)
        .map(e => `header ${name}: ${e}`));
    }
  }
  if (!media) {
    return [...wrong, `the type ${answer.type} is not documented`];
  }

  const where = `${response.where}/content/${escape(answer.type)}`;
  if (answer.events) {
    for (const { event, data } of answer.events) {
      wrong.push(...media['x-events']?.[event]
        ? validate(`${where}/x-events/${event}`, data).map(e => `event ${event}: ${e}`)
        : [`the event ${event} is not documented`]);
    }
  } else {
    wrong.push(...validate(`${where}/schema`, answer.body));
  }
  if (answer.status < 300 && answer.request !== undefined) {
    wrong.push(...validate(`${o.where}/requestBody/content/application~1json/schema`, answer.request)
      .map(e => `request: ${e}`));
  }
  return wrong;
}

const what = process.argv[2];

if (what === 'document') {
  console.log(JSON.stringify(await checkDocument()));
} else if (what === 'answers') {
  console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(checkAnswer)));
} else {
  console.error('usage: check.mjs document | answers');
  process.exit(2);
}
