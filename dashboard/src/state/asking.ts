/*
 * asking.ts — the one question that is open: whether to uninstall.  It outlives
 * a session that ends meanwhile (in this tab, and nowhere else: an address
 * cannot ask it).
 */

import { reactive, watch } from 'vue'

interface Asking {
  uninstall: string                     // the instance's key, or empty
  keepDisk: boolean
}

const NAME = 'aigc-asking'

export const asking = reactive<Asking>(read())

function read(): Asking {
  try {
    const was = JSON.parse(sessionStorage.getItem(NAME) ?? '{}')
    return { uninstall: String(was.uninstall ?? ''), keepDisk: was.keepDisk !== false }
  } catch {
    return { uninstall: '', keepDisk: true }
  }
}

watch(asking, now => {
  try {
    sessionStorage.setItem(NAME, JSON.stringify(now))
  } catch {
    /* then it does not outlive the page */
  }
})
