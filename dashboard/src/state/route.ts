/*
 * route.ts — what stands in the address: which page, what is searched for, what
 * an instance's own page has sent here to be started.  So a reload, a bookmark
 * and a sign-in in between lose none of it.
 */

import { reactive, watch } from 'vue'

export type Filter = 'all' | 'mine' | 'gpu' | 'cpu'

const FILTERS: readonly string[] = ['all', 'mine', 'gpu', 'cpu']

interface Route {
  page: 'home' | 'admin'
  search: string
  filter: Filter
  start: string                         // "namespace/template/id", or empty
}

export const route = reactive<Route>(read())

function read(): Route {
  const query = new URLSearchParams(location.search)
  const filter = query.get('show') ?? 'all'

  return {
    page: location.pathname === '/admin' ? 'admin' : 'home',
    search: query.get('q') ?? '',
    filter: (FILTERS.includes(filter) ? filter : 'all') as Filter,
    start: query.get('start') ?? '',
  }
}

/* What is not ours in the query stays there. */
function address(): string {
  const query = new URLSearchParams(location.search)
  const set = (name: string, value: string) =>
    value ? query.set(name, value) : query.delete(name)

  set('q', route.search)
  set('show', route.filter === 'all' ? '' : route.filter)
  set('start', route.start)

  const text = query.toString()
  return (route.page === 'admin' ? '/admin' : '/') + (text && '?' + text)
}

export function go(page: Route['page']) {
  if (route.page !== page) {
    route.page = page
    history.pushState(null, '', address())
    scrollTo(0, 0)
  }
}

watch(() => [route.search, route.filter, route.start], () => {
  if (address() !== location.pathname + location.search) {
    history.replaceState(null, '', address())
  }
})

addEventListener('popstate', () => Object.assign(route, read()))

export const signInUrl = () =>
  '/sign-in?rd=' + encodeURIComponent(location.pathname + location.search)
