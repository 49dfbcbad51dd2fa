/*
 * admin.ts — what an administrator sees: all instances, all owners, and how the
 * gateway is.  Asked for again and again while somebody looks at it.
 */

import { onScopeDispose, reactive, ref } from 'vue'

import { Problem, call, callAgain, jitter, path } from '../api/client'
import type { Adopted, AdminInstance, AdminStatus, AdminUser, AdoptionList, KeptDisk } from '../api/types'
import { forget, instanceKey } from './live'

const AGAIN = 5_000     // ms

interface Admin {
  status: AdminStatus | null            // null: not asked for yet
  instances: AdminInstance[]
  disks: KeptDisk[]
  users: AdminUser[]
  at: number                            // ms; when all of it was so
  trouble: Problem | null
}

export function useAdmin() {
  const admin = reactive<Admin>({
    status: null, instances: [], disks: [], users: [], at: 0, trouble: null,
  })

  let timer = 0
  let over = false

  async function look() {
    clearTimeout(timer)

    try {
      const [status, all, { users }] = await Promise.all([
        call<AdminStatus>('GET', '/admin/status'),
        call<{ instances: AdminInstance[], disks: KeptDisk[] }>('GET', '/admin/instances'),
        call<{ users: AdminUser[] }>('GET', '/admin/users'),
      ])
      Object.assign(admin, {
        status, instances: all.instances, disks: all.disks ?? [], users, at: Date.now(), trouble: null,
      })
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error
      }
      if (error.status === 401) {
        forget(error)
        return
      }
      admin.trouble = error
    }

    if (!over && !document.hidden) {
      clearTimeout(timer)
      timer = window.setTimeout(look, jitter(AGAIN))
    }
  }

  const onVisible = () => { if (!document.hidden) look() }

  document.addEventListener('visibilitychange', onVisible)
  onScopeDispose(() => {
    over = true
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onVisible)
  })
  look()

  return { admin, look }
}

/* Releasing anybody's: the key of the instance that it is done to. */
export function useRelease(look: () => void) {
  const busy = ref('')
  const problem = ref<Problem | null>(null)

  async function release(i: AdminInstance) {
    busy.value = instanceKey(i)
    problem.value = null
    try {
      await callAgain('POST', '/admin' + path('instances', i.namespace, i.template, i.id, 'release'),
        undefined, () => true)
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error
      }
      problem.value = error
    }
    busy.value = ''
    look()
  }

  return { busy, problem, release }
}

/* Adopting: first the list; then, with what that list says, itself. */
export function useAdopt() {
  const list = ref<AdoptionList | null>(null)
  const done = ref<Adopted | null>(null)
  const busy = ref(false)
  const problem = ref<Problem | null>(null)

  async function run(body?: { confirm: string }) {
    busy.value = true
    problem.value = null
    try {
      const answer = await callAgain<AdoptionList | Adopted>('POST', '/admin/adopt', body, () => true)
      list.value = 'adopt' in answer ? answer : null
      done.value = 'adopted' in answer ? answer : null
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error
      }
      if (error.status === 401) {
        forget(error)
      }
      list.value = null
      problem.value = error
    }
    busy.value = false
  }

  return {
    list, done, busy, problem,
    look: () => run(),
    adopt: () => run({ confirm: list.value!.confirm }),
  }
}
