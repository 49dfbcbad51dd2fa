/*
 * app.js — the dashboard: shows what /api/v1 says, and sends what its buttons
 * mean.  What may be done is the gateway's to say; no rule of it stands here.
 *
 * It asks once, and then listens to the gateway's events, and only asks whether
 * the session is still there; as long as there are none, it asks for all again
 * and again.
 */

/* ms */
const SOON = 2000;              // between two looks while something changes
const CALM = 5000;              // … and while nothing does
const STILL = 8000;             // … and while there are events: only who it is
const BACK_OFF_MAX = 60000;     // … and at most after errors
const GET_TIMEOUT = 15000;
const POST_TIMEOUT = 60000;     // the gateway itself gives up before
const RETRY_MIN = 1000;         // of what a Retry-After asks for
const RETRY_MAX = 15000;
const HOLD = 700;               // a double click must not press the button
                                // that takes the place of the first

const TRIES = 4;                // of a button's call that is answered 503

const STATES = {
  none: 'Not installed',
  pending: 'Waiting to start',
  starting: 'Starting',
  ready: 'Ready',
  failing: 'Does not start',
  stopping: 'Stopping',
  released: 'Released',
  uninstalling: 'Being uninstalled',
};

const CHANGING = new Set(['pending', 'starting', 'stopping', 'uninstalling']);

const DOING = {
  install: 'Installing…',
  start: 'Starting…',
  release: 'Releasing…',
};


/* --- the API ------------------------------------------------------------ */

class Problem extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;               // 0: there was no answer
    this.retryAfter = retryAfter;       // ms, or null
  }
}

async function call(method, path) {
  const post = method === 'POST';
  let response, text;

  try {
    response = await fetch('/api/v1' + path, {
      method,
      headers: { Accept: 'application/json, application/problem+json' },
      cache: 'no-store',
      signal: AbortSignal.timeout(post ? POST_TIMEOUT : GET_TIMEOUT),
    });
    text = await response.text();

  } catch {
    throw new Problem(0, 'The gateway does not answer.'
      + (post ? ' If it was done all the same, that will show here.' : ''));
  }

  const body = parse(text);

  if (!response.ok) {
    throw new Problem(response.status, body?.detail || body?.title
      || `The gateway answers with an error (${response.status}).`,
      retryAfter(response.headers.get('Retry-After')));
  }

  if (!body) {
    throw new Problem(0, 'The gateway answers with something else than JSON.');
  }

  return body;
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/* Seconds or a date, as ms from now. */
function retryAfter(header) {
  if (header === null) {
    return null;
  }

  const ms = /^\d+$/.test(header) ? header * 1000
                                  : Date.parse(header) - Date.now();

  return Number.isNaN(ms) ? null
                          : Math.min(Math.max(ms, RETRY_MIN), RETRY_MAX);
}

const path = (...segments) =>
  segments.map(segment => '/' + encodeURIComponent(segment)).join('');

const sleep = ms => new Promise(done => setTimeout(done, ms));

/* Many pages that wait for the same thing must not ask in the same moment. */
const jitter = ms => ms * (0.85 + 0.3 * Math.random());


/* --- what is shown -------------------------------------------------------- */

const find = test => document.querySelector(`[data-test=${test}]`);
const byId = id => document.getElementById(id);

/* A live region speaks when it is written to: only write what is new. */
function setText(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/* Text, and nothing at all when there is none. */
function setLine(node, text) {
  setText(node, text);
  node.hidden = !text;
}

const isHttp = url => /^https?:\/\//i.test(url);
const isImage = url => isHttp(url) || /^data:image\//i.test(url);

/* "500m" of a CPU, "4Gi" */
function quantity(text) {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(m|[KMGTP]i)$/.exec(text) ?? [];

  return unit === 'm' ? String(number / 1000)
                      : unit ? `${number} ${unit}B` : text;
}

function facts(template) {
  const { cpu, memory, gpu, gpuKind } = template.resources ?? {};
  const { running = 0, released = 0 } = template.instances ?? {};

  return [
    ['Image', template.image],
    ['CPU', cpu && quantity(cpu)],
    ['Memory', memory && quantity(memory)],
    ['GPU', gpu && quantity(gpu) + (gpuKind ? ` (${gpuKind})` : '')],
    ['Disk', template.disk && quantity(template.disk)],
    ['Installed', `${running} running, ${released} released`],
  ].filter(([, value]) => value);
}

const dateFormat = new Intl.DateTimeFormat(undefined,
                                  { dateStyle: 'medium', timeStyle: 'short' });

function date(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : dateFormat.format(time);
}


/* --- a card: a template, with the caller's instance of it ------------------ */

class Card {
  #template;
  #instance = null;
  #busy = false;
  #working = '';
  #error = '';
  #facts = '';

  constructor(key) {
    this.node = byId('card').content.cloneNode(true).firstElementChild;
    this.article = this.#find('.card');
    this.article.dataset.template = key;

    const title = this.#find('h2');
    title.id = `title-${key}`;
    this.article.setAttribute('aria-labelledby', title.id);

    for (const verb of Object.keys(DOING)) {
      this.#button(verb).addEventListener('click', () => this.#press(verb));
    }

    const image = this.#find('img');
    image.referrerPolicy = 'no-referrer';
    image.addEventListener('load', () => { image.hidden = false; });
    image.addEventListener('error', () => { image.hidden = true; });
  }

  get title() { return this.#template.title || this.#template.name; }

  get changing() { return CHANGING.has(this.#instance?.state); }

  show(template, instance) {
    this.#template = template;
    this.#instance = instance;
    this.#render();
  }

  #find(css) { return this.node.querySelector(css); }

  #button(verb) { return this.#find(`[data-test=${verb}]`); }

  #render() {
    this.#renderTemplate();
    this.#renderInstance();
  }

  #renderTemplate() {
    const { namespace, name, description, icon, misconfigured } = this.#template;

    setText(this.#find('h2'), this.title);
    setText(this.#find('.id'), `${namespace}/${name}`);
    setText(this.#find('.description'), description || '');
    setLine(this.#find('.misconfigured'),
            misconfigured ? `Cannot be installed: ${misconfigured}` : '');

    /* the letter stands there until the image does */

    const image = this.#find('img');
    const src = icon && isImage(icon) ? icon : '';

    setText(this.#find('.icon b'), [...this.title][0].toUpperCase());

    if ((image.getAttribute('src') ?? '') !== src) {
      image.hidden = true;
      if (src) {
        image.src = src;
      } else {
        image.removeAttribute('src');
      }
    }

    const rows = facts(this.#template);
    const now = JSON.stringify(rows);

    if (now !== this.#facts) {
      this.#facts = now;
      this.#find('.facts').replaceChildren(...rows.flatMap(([term, value]) => {
        const dt = document.createElement('dt');
        const dd = document.createElement('dd');
        dt.textContent = term;
        dd.textContent = value;
        return [dt, dd];
      }));
    }
  }

  #renderInstance() {
    const instance = this.#instance;
    const state = instance?.state ?? 'none';
    const reason = instance?.reason;

    const label = this.#find('.state');
    label.dataset.state = state;
    setText(label, STATES[state] ?? state);

    const since = this.#find('.since');
    since.hidden = !instance?.since;
    if (instance?.since) {
      const time = this.#find('time');
      time.dateTime = instance.since;
      setText(time, date(instance.since));
    }

    setLine(this.#find('.reason'),
            reason ? [reason.code, reason.message].filter(Boolean).join(': ')
                   : '');
    setText(this.#find('.working'), this.#working);
    setLine(this.#find('.error'), this.#error);

    const visit = this.#find('[data-test=visit]');
    visit.hidden = !(state === 'ready' && isHttp(instance.url));
    if (visit.hidden) {
      visit.removeAttribute('href');
    } else {
      visit.href = instance.url;
    }

    this.#show('install', !instance && !this.#template.misconfigured);
    this.#show('start', instance?.desired === 'released');
    this.#show('release', instance?.desired === 'running');

    this.article.setAttribute('aria-busy', this.#busy);
  }

  #show(verb, shown) {
    const button = this.#button(verb);
    button.hidden = !shown;
    button.disabled = this.#busy;
  }

  async #press(verb) {
    if (this.#busy) {
      return;
    }

    const focused = this.article.contains(document.activeElement);
    const held = sleep(HOLD);

    this.#busy = true;
    this.#working = DOING[verb];
    this.#error = '';
    this.#render();

    try {
      const instance = await this.#send(verb);
      await held;

      if (!live) {                      // else what was told may be newer
        this.#instance = instance;
      }

    } catch (problem) {
      await held;

      if (problem.status === 401) {
        showStranger();
        return;
      }
      this.#error = problem.message;
    }

    changes++;                          // older answers are older than this
    this.#busy = false;
    this.#working = '';
    this.#render();

    /* a button that is disabled loses the focus */

    if (focused && document.activeElement === document.body) {
      this.article.focus({ preventScroll: true });
    }

    look();
  }

  /* Every verb may be sent again: the gateway does nothing twice. */
  async #send(verb) {
    const { namespace, name } = this.#template;
    const target = verb === 'install'
      ? path('templates', namespace, name, verb)
      : path('instances', namespace, name, this.#instance.id, verb);

    for (let n = 1; ; n++) {
      try {
        return await call('POST', target);

      } catch (problem) {
        if (problem.status !== 503 || problem.retryAfter === null
            || n === TRIES || !this.node.isConnected)
        {
          throw problem;
        }

        this.#working = `${problem.message} Trying again…`;
        this.#render();
        await sleep(jitter(problem.retryAfter));
      }
    }
  }
}


/* --- the page -------------------------------------------------------------- */

const cards = new Map();                // "namespace/name" → Card

function showSignedIn(me, templates, instances) {
  setText(find('user'), me.name || me.user);
  byId('account').hidden = false;
  byId('signed-in').hidden = false;
  byId('stranger').hidden = true;
  byId('loading').hidden = true;

  const own = new Map();
  for (const instance of instances) {
    const key = `${instance.namespace}/${instance.template}`;
    if (!own.has(key) || own.get(key).desired === 'uninstalling') {
      own.set(key, instance);
    }
  }

  const gone = new Set(cards.keys());
  for (const template of templates) {
    const key = `${template.namespace}/${template.name}`;
    gone.delete(key);
    if (!cards.has(key)) {
      cards.set(key, new Card(key));
    }
    cards.get(key).show(template, own.get(key) ?? null);
  }

  for (const key of gone) {
    cards.get(key).node.remove();
    cards.delete(key);
  }

  /* in order of their titles; what is in its place is not touched */

  const list = byId('cards');
  [...cards]
    .sort(([a, one], [b, other]) =>
      one.title.localeCompare(other.title) || a.localeCompare(b))
    .forEach(([, card], i) => {
      if (list.children[i] !== card.node) {
        list.insertBefore(card.node, list.children[i] ?? null);
      }
    });

  byId('none').hidden = cards.size > 0;
}

/* Nobody is sent away: who does not want to sign in stays here. */
function showStranger() {
  const was = !byId('signed-in').hidden;
  const link = find('sign-in');

  link.href = '/sign-in?rd='
    + encodeURIComponent(location.pathname + location.search);

  stopListening();
  cards.clear();
  byId('cards').replaceChildren();
  byId('account').hidden = true;
  byId('signed-in').hidden = true;
  byId('stranger').hidden = false;
  byId('loading').hidden = true;
  find('sign-out').disabled = false;
  showNotice('');

  if (was) {
    link.focus();
  }
}

function showNotice(text) {
  setLine(byId('notice'), text);
}


/* --- looking again and again -------------------------------------------------- */

let me = null;
let timer = null;
let looking = false;
let failures = 0;               // in succession
let changes = 0;                // answers to buttons so far

async function look() {
  if (looking || document.hidden) {
    return;                     // it will be called when that is over
  }

  clearTimeout(timer);
  looking = true;
  const next = await lookOnce();
  looking = false;

  if (next !== null && !document.hidden) {
    timer = setTimeout(look, next);
  }
}

/* ms until the next look; null: none until the page is looked at again */
async function lookOnce() {
  const before = changes;

  try {
    me = await call('GET', '/me');

    if (live) {
      failures = 0;
      showNotice('');
      return STILL;
    }

    const [{ templates }, { instances }] = await Promise.all([
      call('GET', '/templates'), call('GET', '/instances'),
    ]);

    failures = 0;

    if (live) {
      return STILL;             // what was told since is newer
    }

    if (changes !== before) {
      return 0;                 // a button was pressed in between
    }

    showNotice('');
    showSignedIn(me, templates, instances);
    listen();

    return [...cards.values()].some(card => card.changing) ? SOON : CALM;

  } catch (problem) {

    if (problem.status === 401) {
      failures = 0;
      showStranger();
      return null;
    }

    if (!(problem instanceof Problem)) {
      console.error(problem);
      problem.message = 'The gateway’s answer cannot be shown.';
    }

    showNotice(problem.message + (cards.size
      ? ' What you see may be out of date. Trying again…'
      : ' Trying again…'));

    return jitter(Math.max(problem.retryAfter ?? 0,
                           Math.min(SOON * 2 ** failures++, BACK_OFF_MAX)));
  }
}


/* --- listening ------------------------------------------------------------------ */

let stream = null;              // an EventSource
let live = false;               // … that has said what there is
let templates = new Map();      // as it was told
let instances = new Map();

const templateKey = ({ namespace, name }) => `${namespace}/${name}`;
const instanceKey = ({ namespace, template, id }) =>
  `${namespace}/${template}/${id}`;

const byKey = (list, key) => new Map(list.map(item => [key(item), item]));

function listen() {
  if (stream || document.hidden) {
    return;
  }

  const source = new EventSource('/api/v1/events');
  stream = source;

  const on = (event, tell) => source.addEventListener(event, message => {
    tell(JSON.parse(message.data));
    if (live && source === stream) {
      showNotice('');
      showSignedIn(me, [...templates.values()], [...instances.values()]);
    }
  });

  on('snapshot', all => {
    templates = byKey(all.templates, templateKey);
    instances = byKey(all.instances, instanceKey);
    live = source === stream;
  });
  on('template', item => templates.set(templateKey(item), item));
  on('template-gone', key => templates.delete(templateKey(key)));
  on('instance', item => instances.set(instanceKey(item), item));
  on('instance-gone', key => instances.delete(instanceKey(key)));

  /* it comes back by itself, unless it was refused: a look will tell why */

  source.addEventListener('error', () => {
    if (source === stream) {
      live = false;
      if (source.readyState === EventSource.CLOSED) {
        stream = null;
      }
      look();
    }
  });
}

function stopListening() {
  stream?.close();
  stream = null;
  live = false;
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    clearTimeout(timer);
    stopListening();
  } else {
    look();
  }
});

addEventListener('online', look);

addEventListener('pagehide', stopListening);

addEventListener('pageshow', () => {    // also when "back" brings it back
  find('sign-out').disabled = false;
  look();
});

/* The second one would find nobody signed in. */
byId('account').addEventListener('submit', () => {
  find('sign-out').disabled = true;
});

look();
