/*
 * work.ts — what the buttons do: one call each, tried again where the gateway
 * asks for that.  What is under way, and what became of it, is kept by the card
 * that it belongs to.
 */

import { reactive } from 'vue'

import { Problem, callAgain, path, sleep } from '../api/client'
import type { Instance, Template } from '../api/types'
import { forget, instanceKey, isStarting, learn, live, templateKey } from './live'

const HOLD = 700        // ms; a double click must not press the button that
                        // takes the place of the first

export type Verb = 'install' | 'start' | 'release' | 'restart' | 'update' | 'uninstall'

export interface Work {
  verb: Verb
  busy: boolean
  waits: Problem | null                 // it is tried again after this
  problem: Problem | null               // it has failed
}

/* By the key of the instance; of the template, for an install. */
export const works = reactive(new Map<string, Work>())

/* another: beside what there is. */
export const install = (template: Template, another = false) =>
  run('install', templateKey(template), 'POST',
    path('templates', template.namespace, template.name, 'install'),
    another ? { another } : undefined)

export function send(verb: Exclude<Verb, 'install' | 'uninstall'>, i: Instance) {
  if (verb !== 'release') {
    began.set(instanceKey(i), Date.now())
  }
  return run(verb, instanceKey(i), 'POST',
    path('instances', i.namespace, i.template, i.id, verb))
}

/* The disk goes only where the user has said so. */
export const uninstall = (i: Instance, deleteDisk: boolean) =>
  run('uninstall', instanceKey(i), 'DELETE',
    path('instances', i.namespace, i.template, i.id) + (deleteDisk ? '?delete_disk=true' : ''))

export const isBusy = (key: string) => works.get(key)?.busy ?? false

async function run(verb: Verb, key: string, method: string, target: string, body?: object) {
  if (isBusy(key)) {
    return
  }

  const held = sleep(HOLD)
  const work = reactive<Work>({ verb, busy: true, waits: null, problem: null })
  works.set(key, work)

  try {
    const instance = await callAgain<Instance>(method, target, body, problem => {
      work.waits = problem
      return live.phase === 'in'
    })
    await held
    learn(instance)
    works.delete(key)

  } catch (error) {
    await held
    if (!(error instanceof Problem)) {
      throw error
    }
    if (error.status === 401) {
      works.delete(key)
      forget(error)
      return
    }
    work.busy = false
    work.waits = null
    work.problem = error
  }
}

/* --- since when an instance starts ---------------------------------------- */

const began = new Map<string, number>()

/*
 * ms: since this page has had it started; else since its install, when that is
 * not long ago; else since this page has seen it start.
 */
const RECENT = 10 * 60_000

export function startedAt(instance: Instance): number {
  const key = instanceKey(instance)
  let at = began.get(key)

  if (at === undefined) {
    const since = Date.parse(instance.since)
    at = Date.now() - since < RECENT ? since : Date.now()
    began.set(key, at)
  }
  return at
}

/* Its steps are shown no more: because it is over, or behind a search. */
export function stopsShowing(key: string) {
  const instance = live.instances.get(key)
  if (!instance || !isStarting(instance)) {
    began.delete(key)
  }
}
