/*
 * index.ts — Chinese and English: what was chosen here, else the browser's
 * first language that is one of them.  Only the words of that one are loaded.
 */

import { createI18n } from 'vue-i18n'

import { keep, kept } from '../state/kept'
import type { Words } from './en'

export const LANGUAGES = ['en', 'zh'] as const

export type Language = typeof LANGUAGES[number]

const words: Record<Language, () => Promise<{ default: Words }>> = {
  en: () => import('./en'),
  zh: () => import('./zh'),
}

export const i18n = createI18n({
  legacy: false,
  locale: 'en' as Language,
  messages: {} as Record<Language, Words>,
  missingWarn: false,
  fallbackWarn: false,
})

function preferred(): Language {
  const chosen = kept('language', LANGUAGES)
  if (chosen) {
    return chosen
  }
  for (const tag of navigator.languages) {
    const language = tag.slice(0, 2).toLowerCase() as Language
    if (LANGUAGES.includes(language)) {
      return language
    }
  }
  return 'en'
}

export async function speak(language: Language = preferred()) {
  const { global } = i18n

  global.setLocaleMessage(language, (await words[language]()).default)
  global.locale.value = language
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  document.title = global.t('title')
}

export async function choose(language: Language) {
  keep('language', language)
  await speak(language)
}
