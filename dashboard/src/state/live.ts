/*
 * live.ts — what there is, as the gateway says: who is signed in, templates,
 * the caller's instances.
 *
 * It asks once, and then listens to the gateway's events, and only asks whether
 * the session is still there; as long as there are none, it asks for all again
 * and again.  A page that nobody looks at does neither.
 */

import { reactive } from 'vue'

import { Problem, call, jitter } from '../api/client'
import type { Instance, Me, Snapshot, Template } from '../api/types'

/* ms */
const SOON = 2_000                      // between two looks while something changes
const CALM = 5_000                      // … and while nothing does
const STILL = 60_000                    // … and while there are events: only who it is
const BACK_OFF_MAX = 60_000             // … and at most after errors

const CHANGING = new Set(['pending', 'starting', 'stopping', 'uninstalling'])

interface Live {
  phase: 'loading' | 'stranger' | 'in'
  was: string                           // who was signed in until now
  gone: boolean                         // … and is suspended or deleted
  me: Me | null
  templates: Map<string, Template>
  instances: Map<string, Instance>
  trouble: Problem | null               // of the last look
}

export const live = reactive<Live>({
  phase: 'loading',
  was: '',
  gone: false,
  me: null,
  templates: new Map(),
  instances: new Map(),
  trouble: null,
})

export const templateKey = ({ namespace, name }: { namespace: string, name: string }) =>
  `${namespace}/${name}`

export const instanceKey = ({ namespace, template, id }:
  { namespace: string, template: string, id: number }) => `${namespace}/${template}/${id}`

/* Its user waits for it; "failing" may yet get better. */
export const isStarting = ({ desired, state }: Instance) =>
  desired === 'running' && ['pending', 'starting', 'failing'].includes(state)

/* Given up, and there only because its pod does not end: it counts for no limit. */
export const isLeft = ({ desired, reason }: Instance) =>
  desired !== 'running' && reason?.code === 'StuckTerminating'

export const isChanging = (instance: Instance) => CHANGING.has(instance.state)

/* What is before uninstalling ones, then by number. */
export function instancesOf(template: Template): Instance[] {
  const last = (i: Instance) => Number(i.desired === 'uninstalling')

  return [...live.instances.values()]
    .filter(i => i.namespace === template.namespace && i.template === template.name)
    .sort((a, b) => last(a) - last(b) || a.id - b.id)
}

/* An answer to what this page has sent: news, unless events tell it anyway. */
export function learn(instance: Instance) {
  changes++
  if (!told) {
    live.instances.set(instanceKey(instance), instance)
    look()
  }
}

export function forget(problem?: Problem) {
  stopListening()
  live.gone = problem?.code === 'user-gone'
  live.was = live.me?.name || live.me?.user || live.was
  live.phase = 'stranger'
  live.me = null
  live.templates.clear()
  live.instances.clear()
  live.trouble = null
}

/* --- asking --------------------------------------------------------------- */

let timer = 0
let looking = false
let failures = 0                        // in succession
let changes = 0                         // answers to buttons so far

export async function look() {
  if (looking || document.hidden) {
    return                              // it will be called when that is over
  }

  clearTimeout(timer)
  looking = true
  const next = await lookOnce()
  looking = false

  if (next !== null && !document.hidden) {
    timer = window.setTimeout(look, next)
  }
}

/* ms until the next look; null: none until the page is looked at again */
async function lookOnce(): Promise<number | null> {
  const before = changes

  try {
    const me = await call<Me>('GET', '/me')
    if (live.me?.user !== me.user) {
      live.templates.clear()
      live.instances.clear()
    }
    live.me = me

    if (told) {
      failures = 0
      live.trouble = null
      return STILL
    }

    const [{ templates }, { instances }] = await Promise.all([
      call<{ templates: Template[] }>('GET', '/templates'),
      call<{ instances: Instance[] }>('GET', '/instances'),
    ])

    failures = 0

    if (told) {
      return STILL                      // what was told since is newer
    }
    if (changes !== before) {
      return 0                          // a button was pressed in between
    }

    show(templates, instances)
    listen()

    return instances.some(isChanging) ? SOON : CALM

  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem(0, 'bad-answer')

    if (problem !== error) {
      console.error(error)
    }
    if (problem.status === 401) {
      failures = 0
      forget(problem)
      return null
    }

    live.trouble = problem

    return jitter(Math.max(problem.retryAfter ?? 0,
      Math.min(SOON * 2 ** failures++, BACK_OFF_MAX)))
  }
}

function show(templates: Template[], instances: Instance[]) {
  live.templates = new Map(templates.map(t => [templateKey(t), t]))
  live.instances = new Map(instances.map(i => [instanceKey(i), i]))
  live.phase = 'in'
  live.trouble = null
}

/* --- listening ------------------------------------------------------------ */

let stream: EventSource | null = null
let told = false                        // the stream has said what there is

function listen() {
  if (stream || document.hidden) {
    return
  }

  const source = new EventSource('/api/v1/events')
  stream = source

  const on = <T>(event: string, tell: (data: T) => void) =>
    source.addEventListener(event, message => {
      if (source === stream) {
        tell(JSON.parse((message as MessageEvent).data))
      }
    })

  on<Snapshot>('snapshot', all => {
    show(all.templates, all.instances)
    told = true
  })
  on<Template>('template', t => live.templates.set(templateKey(t), t))
  on<Template>('template-gone', t => live.templates.delete(templateKey(t)))
  on<Instance>('instance', i => live.instances.set(instanceKey(i), i))
  on<Instance>('instance-gone', i => live.instances.delete(instanceKey(i)))

  /* it comes back by itself, unless it was refused: a look will tell why */

  source.addEventListener('error', () => {
    if (source === stream) {
      told = false
      if (source.readyState === EventSource.CLOSED) {
        stream = null
      }
      look()
    }
  })
}

function stopListening() {
  stream?.close()
  stream = null
  told = false
}

export function begin() {
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      clearTimeout(timer)
      stopListening()
    } else {
      look()
    }
  })
  addEventListener('online', look)
  addEventListener('offline', look)     // it will say so
  addEventListener('pagehide', stopListening)
  addEventListener('pageshow', look)    // also when "back" brings it back
  look()
}
