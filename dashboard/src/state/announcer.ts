/*
 * announcer.ts — what a screen reader is told when an instance changes: one
 * sentence, for all cards together.
 */

import { ref, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'

import { titleOf } from '../words'
import { live } from './live'

export function useAnnouncer(): Ref<string> {
  const { t } = useI18n()
  const said = ref('')

  watch(() => new Map([...live.instances].map(([key, i]) => [key, i.state])), (now, before) => {
    const news = [...now].filter(([key, state]) => {
      const was = before.get(key)
      return was && t(`state.${was}`) !== t(`state.${state}`)
    })
    if (news.length) {
      said.value = news.map(([key, state]) => {
        const i = live.instances.get(key)!
        const template = live.templates.get(`${i.namespace}/${i.template}`)
        return `${titleOf(template, i.template)}: ${t(`state.${state}`)}`
      }).join('. ')
    }
  })

  return said
}
