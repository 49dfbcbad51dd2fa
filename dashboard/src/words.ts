/*
 * words.ts — what the API says in codes and quantities, as keys of the words
 * and as texts.  Pure.
 */

import type { Problem } from './api/client'
import type { AdminInstance, Instance, Reason, Template } from './api/types'

/* "500m" of a CPU, "4Gi" */
export function quantity(text: string): string {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m|[KMGTP]i)$/.exec(text) ?? []

  return unit === 'm' ? String(Number(number) / 1000) : unit ? `${number} ${unit}B` : text
}

/* "nvidia.com/gpu" → "NVIDIA" */
export function vendor(kind: string): string {
  const name = /^(?:gpu\.)?([a-z0-9-]+)\./i.exec(kind)?.[1] ?? ''

  return name.length > 6 ? name[0].toUpperCase() + name.slice(1) : name.toUpperCase()
}

/* "2 × NVIDIA"; no number where the template names a machine instead. */
export const gpuWords = ({ kind, count }: NonNullable<AdminInstance['gpu']>) =>
  count === null ? vendor(kind) : `${count} × ${vendor(kind)}`

export const titleOf = (template: Template | undefined, name: string) =>
  template?.title || template?.name || name

export const needsGpu = (template: Template) => !!Number.parseInt(template.resources.gpu)

export const isHttp = (url: string) => /^https?:\/\//i.test(url)

export const isImage = (url: string) => isHttp(url) || /^data:image\//i.test(url)

/* 75 s → "1:15" */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]

  return (h ? `${h}:${two(m)}` : String(m)) + `:${two(s % 60)}`
}

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const

/* 150 s → "2 minutes", "2分钟" */
export function ago(seconds: number, language: string): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? ['second', 1]

  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' })
    .format(Math.max(0, Math.floor(seconds / size)))
}

/* --- why it does not start ------------------------------------------------ */

const REASONS: [RegExp, string, Step][] = [
  [/^(Unschedulable|FailedScheduling)$/, 'noPlace', 'place'],
  [/^(FailedBinding|FailedAttachVolume|FailedMount|FailedMapVolume)$/, 'disk', 'prepare'],
  [/^(ImagePullBackOff|ErrImagePull|InvalidImageName|ErrImageNeverPull|InspectFailed)$/, 'image', 'prepare'],
  [/^(FailedCreatePodSandBox|NetworkNotReady|NoAddress)$/, 'network', 'prepare'],
  [/^(CrashLoopBackOff|Error|Completed|OOMKilled|BackOff|ContainerCannotRun)$/, 'crash', 'run'],
  [/^(CreateContainer\w*|RunContainerError)$/, 'config', 'run'],
  [/^NoPod$/, 'noPod', 'asked'],
  [/^Terminating$/, 'ending', 'asked'],
  [/^StuckTerminating$/, 'stuck', 'asked'],
  [/^FailedCreate$/, 'refused', 'asked'],
]

/* A key below "reason". */
export function reasonWords({ code, message }: Reason): string {
  const word = REASONS.find(([codes]) => codes.test(code))?.[1] ?? 'other'

  if (word === 'noPlace') {
    return /insufficient [\w.-]+\/[\w.-]*gpu/i.test(message) ? 'noGpu'
      : /insufficient (cpu|memory)/i.test(message) ? 'noRoom'
      : /volume|persistentvolumeclaim/i.test(message) ? 'disk' : word
  }
  if (word === 'refused' && /exceeded quota/i.test(message)) {
    return 'quota'
  }
  if (word === 'crash' && (code === 'OOMKilled' || /OOMKilled/.test(message))) {
    return 'memory'
  }
  return word
}

/* --- how far a start has come --------------------------------------------- */

export const STEPS = ['asked', 'place', 'prepare', 'run'] as const

export type Step = typeof STEPS[number]

export function stepOf(instance: Instance): Step {
  const step = instance.reason
    && REASONS.find(([codes]) => codes.test(instance.reason!.code))?.[2]

  return step || (instance.state === 'pending' ? 'asked'
    : instance.progress === 'prepared' ? 'run'
    : instance.progress === 'scheduled' ? 'prepare' : 'place')
}

/* --- errors --------------------------------------------------------------- */

type Translate = (key: string, values?: Record<string, unknown>) => string

/* In words of the page's language; the gateway's own where there are none. */
export function problemWords(problem: Problem, t: Translate, te: (key: string) => boolean): string {
  const key = `problem.${problem.code}`

  return problem.code && te(key) ? t(key)
    : problem.detail || t('problem.other', { status: problem.status })
}
