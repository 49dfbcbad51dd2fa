/* types.ts — what the gateway's API says (docs/openapi.yaml). */

export interface Me {
  user: string
  name: string
  roles: string[]
  expires: number
  admin?: boolean
}

export interface Template {
  namespace: string
  name: string
  title: string
  description: string
  icon: string
  image: string
  resources: { cpu: string, memory: string, gpu: string, gpuKind: string }
  disk: string
  instances: { running: number, released: number }
  update: { seamless: boolean, reason: string | null }
  misconfigured: string | null
}

export type State = 'pending' | 'starting' | 'ready' | 'failing' | 'stopping'
  | 'released' | 'uninstalling'

export type Progress = 'waiting' | 'scheduled' | 'prepared'

export interface Reason { code: string, message: string }

export interface Instance {
  namespace: string
  template: string
  id: number
  owner: string
  host: string
  url: string
  desired: 'running' | 'released' | 'uninstalling'
  state: State
  progress: Progress
  reason: Reason | null
  since: string
  updateAvailable: boolean
}

/* --- for administrators ------------------------------------------------- */

export interface Disk { name: string, owner: string }

export interface AdminInstance extends Instance {
  gpu: { kind: string, count: number } | null
  runningSince: string | null
  disks: Disk[]
}

export interface KeptDisk extends Disk {
  namespace: string
  template: string
  id: number
}

export interface AdminUser {
  user: string
  name: string | null
  status: 'active' | 'suspended' | 'deleted' | 'unknown'
  instances: { running: number, released: number }
  disks: number
}

export interface AdminStatus {
  leader: { identity: string | null, self: boolean }
  watches: { kind: string, synced: boolean, age: number | null }[]
  problems: { kind: string, count: number }[]
  keysAge: number | null
  zone: { instances: number, max: number }
  version: string
}

interface InstanceKey { namespace: string, template: string, id: number }

interface Claim extends InstanceKey { user: string }

export interface Adoption {
  adopt?: Claim[]
  adopted?: Claim[]
  conflicts: (Omit<Claim, 'id'> & { id: number | null, reason: string })[]
  stops: InstanceKey[]
  conflictsLeftOff: number
  confirm?: string
}
