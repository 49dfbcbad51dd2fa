// schemas.mjs: JSON Schemas for kubeconform, of what an API server says of itself.
//   node schemas.mjs <openapi-v2.json OUTDIR
// One file for each kind, KIND_GROUP_VERSION.json; it names no member that the
// kind has not ("strict"), as the API server's own field validation does.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

const [out] = process.argv.slice(2)
const { definitions } = JSON.parse(readFileSync(0, 'utf8'))
mkdirSync(out, { recursive: true })

for (const [name, schema] of Object.entries(definitions)) {
  if (schema.format === 'int-or-string') Object.assign(schema, { type: ['string', 'integer'] })
  if (name === 'io.k8s.apimachinery.pkg.api.resource.Quantity') schema.type = ['string', 'number']
  close(schema)
}

// no further member, unless it says so; null is the same as none
function close(schema) {
  if (schema['x-kubernetes-int-or-string']) schema.type = ['string', 'integer']
  for (const [member, value] of Object.entries(schema.properties ?? {})) {
    if (value.format === 'int-or-string') value.type = ['string', 'integer']
    close(value)
  }
  if (schema.items) close(schema.items)
  if (typeof schema.additionalProperties === 'object') close(schema.additionalProperties)
  if (schema.properties && schema.additionalProperties === undefined && !schema['x-kubernetes-preserve-unknown-fields'])
    schema.additionalProperties = false
  delete schema.format
}

function collect(schema, found) {
  if (Array.isArray(schema)) schema.forEach(s => collect(s, found))
  else if (schema && typeof schema === 'object')
    for (const [key, value] of Object.entries(schema)) {
      if (key === '$ref' && typeof value === 'string') {
        const name = value.replace('#/definitions/', '')
        if (!found[name]) {
          found[name] = definitions[name]
          collect(definitions[name], found)
        }
      } else collect(value, found)
    }
  return found
}

for (const [name, schema] of Object.entries(definitions)) {
  const kinds = schema['x-kubernetes-group-version-kind'] ?? []
  if (kinds.length !== 1) continue          // (DeleteOptions and such belong to all)
  const { group, version, kind } = kinds[0]
  const file = `${out}/${kind.toLowerCase()}_${group || version}_${version}.json`  // as kubeconform calls them
  const $ref = `#/definitions/${name}`
  writeFileSync(file, JSON.stringify({ $ref, definitions: collect({ $ref }, {}) }))
}
