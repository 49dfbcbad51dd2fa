/* theme.ts — light, dark, or as the system has it. */

import { ref, watchEffect } from 'vue'

import { keep, kept } from './kept'

export type Theme = 'system' | 'light' | 'dark'

export const theme = ref<Theme>(kept('theme', ['system', 'light', 'dark']) ?? 'system')

watchEffect(() => {
  if (theme.value === 'system') {
    delete document.documentElement.dataset.theme
  } else {
    document.documentElement.dataset.theme = theme.value
  }
  keep('theme', theme.value)
})
