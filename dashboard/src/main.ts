import { createApp } from 'vue'

import App from './App.vue'
import { i18n, speak } from './i18n'
import { begin } from './state/live'
import './state/theme'
import './styles/base.css'

/* A part of a page that is older than what is served now is not there. */
addEventListener('vite:preloadError', () => location.reload())

begin()
speak().then(() => createApp(App).use(i18n).mount('#app'))
