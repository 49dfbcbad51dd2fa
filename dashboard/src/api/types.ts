/*
 * types.ts — short names for what the gateway's API says.  schema.ts is made from
 * docs/openapi.yaml by "make types": nothing is described here.
 */

import type { components } from './schema'

type Schemas = components['schemas']

export type Me = Schemas['Me']
export type Template = Schemas['Template']

export type Instance = Schemas['Instance']
export type State = Instance['state']
export type Reason = NonNullable<Instance['reason']>

export type Snapshot = Schemas['Snapshot']

/* --- for administrators ------------------------------------------------- */

export type AdminInstance = Schemas['HeldInstance']
export type KeptDisk = Schemas['KeptDisk']
export type AdminUser = Schemas['Owner']
export type AdminStatus = Schemas['Status']

export type AdoptionList = Schemas['AdoptionList']
export type Adopted = Schemas['Adopted']
