/* now.ts — the time, second by second, for who shows how long something takes. */

import { onScopeDispose, ref, type Ref } from 'vue'

const now = ref(Date.now())
let users = 0
let timer = 0

export function useNow(): Ref<number> {
  now.value = Date.now()
  if (users++ === 0) {
    timer = window.setInterval(() => { now.value = Date.now() }, 1000)
  }
  onScopeDispose(() => {
    if (--users === 0) {
      clearInterval(timer)
    }
  })
  return now
}
