import { createApp } from 'vue'

import App from './App.vue'
import { i18n, speak } from './i18n'
import { begin } from './state/live'
import './state/theme'
import './styles/base.css'

/*
 * A part of a page that is older than what is served now is not there: load it
 * anew, unless it is the network that is away.
 */
const OLD = 10_000      // ms

addEventListener('vite:preloadError', async () => {
  const page = await fetch('/', { cache: 'no-store' }).catch(() => null)
  if (page?.ok && performance.now() > OLD) {
    location.reload()
  }
})

begin()
speak().then(() => createApp(App).use(i18n).mount('#app'))
