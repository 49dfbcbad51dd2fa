/* screen.ts — which of the page's own screens a problem is. */

import type { Problem } from '../api/client'

export type Screen = 'offline' | 'away' | 'logto' | 'cluster' | 'forbidden' | 'trouble'

export function screenOf({ status, code }: Problem): Screen {
  return code === 'no-answer' ? (navigator.onLine ? 'away' : 'offline')
    : code === 'sign-in-unavailable' ? 'logto'
    : code === 'starting' || code === 'cluster-unavailable' ? 'cluster'
    : status === 403 ? 'forbidden' : 'trouble'
}
