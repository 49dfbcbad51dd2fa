/*
 * oidc/ngx_aigc_rotation_turn.c — claims, reads and writes, each a few calls to
 * the API server one after the other.
 */

#include "ngx_aigc_rotation_turn.h"

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"
#include "base/ngx_aigc_timer.h"


#define NGX_AIGC_ROTATION_TRIES   8     /* patches that find another entry */
#define NGX_AIGC_ROTATION_FAILS   3     /* calls that fail, until a turn is
                                           given up */


static void ngx_aigc_rotation_turn_begin(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_rotation_turn_e what);
static void ngx_aigc_rotation_turn_claim(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_write(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_written(ngx_aigc_fetch_t *f);
static void ngx_aigc_rotation_turn_wrote(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_read(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_got(ngx_aigc_fetch_t *f);
static void ngx_aigc_rotation_turn_found(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_failed(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_fetch_t *f, const char *what);
static void ngx_aigc_rotation_turn_start(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_fetch_t *f, ngx_aigc_fetch_done_pt done);
static void ngx_aigc_rotation_turn_timer(ngx_event_t *ev);
static void ngx_aigc_rotation_turn_end(ngx_aigc_rotation_turn_t *turn);
static void ngx_aigc_rotation_turn_free(ngx_aigc_rotation_turn_t *turn);
static time_t ngx_aigc_rotation_exp(ngx_str_t *text);


void
ngx_aigc_rotation_claim(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_rotation_turn_begin(turn, NGX_AIGC_ROTATION_TURN_CLAIM);

    ngx_str_null(&turn->was);
    turn->claimed = 0;

    if (!ngx_aigc_rotation_may_call()
        || ngx_aigc_rotation_find(turn->zone, turn->pool, turn->key,
                                  &turn->was)
           == NGX_ERROR)
    {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    ngx_aigc_rotation_turn_claim(turn);
}


void
ngx_aigc_rotation_read(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_rotation_turn_begin(turn, NGX_AIGC_ROTATION_TURN_READ);

    ngx_str_null(&turn->was);

    if (!ngx_aigc_rotation_may_call()) {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    ngx_aigc_rotation_turn_read(turn);
}


void
ngx_aigc_rotation_write(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_rotation_turn_e what, ngx_str_t *now)
{
    ngx_pool_t                *pool;
    ngx_aigc_rotation_turn_t  *own;

    pool = ngx_aigc_rotation_may_call() ? ngx_create_pool(4096, ngx_cycle->log)
                                        : NULL;
    if (pool == NULL) {
        return;
    }

    own = ngx_pcalloc(pool, sizeof(ngx_aigc_rotation_turn_t));
    if (own == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    own->zone = turn->zone;
    own->pool = pool;
    own->until = turn->until;
    own->handler = ngx_aigc_rotation_turn_free;
    ngx_memcpy(own->key, turn->key, NGX_AIGC_ROTATION_KEY_LEN);

    own->was.len = turn->was.len;
    own->was.data = ngx_pstrdup(pool, &turn->was);
    own->now.len = now->len;
    own->now.data = ngx_pstrdup(pool, now);

    ngx_aigc_rotation_turn_begin(own, what);

    if (own->was.data == NULL || own->now.data == NULL) {
        ngx_aigc_rotation_turn_end(own);
        return;
    }

    ngx_aigc_rotation_turn_write(own);
}


static void
ngx_aigc_rotation_turn_free(ngx_aigc_rotation_turn_t *turn)
{
    ngx_destroy_pool(turn->pool);
}


static void
ngx_aigc_rotation_turn_begin(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_rotation_turn_e what)
{
    turn->what = what;
    turn->bare = 0;
    turn->tries = 0;
    turn->fails = 0;
    turn->looks = 0;
    turn->begun = ngx_current_msec;
    turn->fetch = NULL;

    ngx_aigc_timer_init(&turn->timer, ngx_aigc_rotation_turn_timer, 0,
                        ngx_cycle->log);
}


/*
 * By the entry as it is known; a claim of another's is waited for.  With the
 * claim goes the newest token that is known, lest another gateway uses an older
 * one when it runs out.
 */
static void
ngx_aigc_rotation_turn_claim(ngx_aigc_rotation_turn_t *turn)
{
    ngx_str_t            gateway, text;
    ngx_aigc_rotation_t  rotation, newest;

    if (turn->was.len == 0
        || ngx_aigc_rotation_parse(&turn->was, &rotation) != NGX_OK)
    {
        ngx_memzero(&rotation, sizeof(ngx_aigc_rotation_t));
        rotation.until = turn->until;
    }

    text.len = 0;

    if (ngx_aigc_rotation_gateway(turn->zone, turn->pool, &gateway) != NGX_OK
        || ngx_aigc_rotation_find(turn->zone, turn->pool, turn->key, &text)
           == NGX_ERROR)
    {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    /* one of our own is of a worker that has died: its flight is ours now */

    if (rotation.claim > ngx_time()
        && !ngx_aigc_text_eq(&rotation.gateway, &gateway)
        && ngx_aigc_since(turn->begun) < NGX_AIGC_ROTATION_CLAIM * 1000)
    {
        turn->tries = 0;
        ngx_add_timer(&turn->timer, NGX_AIGC_ROTATION_AGAIN);
        return;
    }

    if (text.len && ngx_aigc_rotation_parse(&text, &newest) == NGX_OK
        && newest.exp > rotation.exp)
    {
        rotation = newest;
    }

    rotation.claim = ngx_time() + NGX_AIGC_ROTATION_CLAIM;
    rotation.gateway = gateway;

    if (ngx_aigc_rotation_text(turn->pool, &rotation, &turn->now) != NGX_OK) {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    ngx_aigc_rotation_turn_write(turn);
}


static void
ngx_aigc_rotation_turn_write(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_rotation_call("PATCH",
                               "Content-Type: application/json-patch+json");

    if (f == NULL
        || ngx_aigc_rotation_patch(f->pool, turn->key,
                                   turn->bare ? NULL : &turn->was, &turn->now,
                                   &f->body)
           != NGX_OK)
    {
        if (f) {
            ngx_destroy_pool(f->pool);
        }

        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    ngx_aigc_rotation_turn_start(turn, f, ngx_aigc_rotation_turn_written);
}


static void
ngx_aigc_rotation_turn_written(ngx_aigc_fetch_t *f)
{
    ngx_aigc_rotation_turn_t  *turn;

    turn = f->ctx;
    turn->fetch = NULL;
    ngx_aigc_timer_stop(&turn->timer);

    switch (f->status) {                /* the body says nothing */

    case 200:
        ngx_aigc_rotation_turn_wrote(turn);
        break;

    case 409:
    case 422:
        if (turn->what == NGX_AIGC_ROTATION_TURN_RELEASE) {
            break;
        }

        if (turn->tries++ < NGX_AIGC_ROTATION_TRIES) {
            ngx_aigc_rotation_turn_read(turn);
            return;
        }

        /* fall through */

    default:
        ngx_aigc_rotation_turn_failed(turn, f, "written");
        return;
    }

    ngx_aigc_rotation_turn_end(turn);
}


static void
ngx_aigc_rotation_turn_wrote(ngx_aigc_rotation_turn_t *turn)
{
    turn->claimed = (turn->what == NGX_AIGC_ROTATION_TURN_CLAIM);
    turn->was = turn->now;

    if (turn->now.len) {
        ngx_aigc_rotation_put(turn->zone, turn->key, &turn->now,
                              NGX_AIGC_ROTATION_SEEN);
    }
}


static void
ngx_aigc_rotation_turn_read(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_fetch_t  *f;

    f = ngx_aigc_rotation_call("GET", NULL);

    if (f == NULL) {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    f->max = NGX_AIGC_ROTATION_ANSWER;

    ngx_aigc_rotation_turn_start(turn, f, ngx_aigc_rotation_turn_got);
}


static void
ngx_aigc_rotation_turn_got(ngx_aigc_fetch_t *f)
{
    ngx_int_t                  rc;
    ngx_aigc_rotation_turn_t  *turn;

    turn = f->ctx;
    turn->fetch = NULL;
    ngx_aigc_timer_stop(&turn->timer);

    ngx_str_null(&turn->was);

    if (f->status == 200 && f->error == NULL) {
        rc = ngx_aigc_rotation_pick(turn->pool, &f->answer, turn->key,
                                    &turn->was);

    } else {
        ngx_aigc_rotation_turn_failed(turn, f, "read");
        return;
    }

    turn->bare = (rc == NGX_DONE);

    if (rc != NGX_OK && rc != NGX_DONE) {
        ngx_str_null(&turn->was);
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    if (turn->was.len) {
        ngx_aigc_rotation_put(turn->zone, turn->key, &turn->was,
                              NGX_AIGC_ROTATION_SEEN);
    }

    ngx_aigc_rotation_turn_found(turn);
}


/* The entry is known as it is now. */
static void
ngx_aigc_rotation_turn_found(ngx_aigc_rotation_turn_t *turn)
{
    switch (turn->what) {

    case NGX_AIGC_ROTATION_TURN_CLAIM:
        ngx_aigc_rotation_turn_claim(turn);
        return;

    case NGX_AIGC_ROTATION_TURN_WRITE:
        if (ngx_aigc_rotation_exp(&turn->was)
            < ngx_aigc_rotation_exp(&turn->now))
        {
            ngx_aigc_rotation_turn_write(turn);
            return;
        }

        break;

    default:                            /* READ */
        break;
    }

    ngx_aigc_rotation_turn_end(turn);
}


/* A cluster that is slow, as when many renew at once, is asked again. */
static void
ngx_aigc_rotation_turn_failed(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_fetch_t *f, const char *what)
{
    if ((f->status == 0 || f->status == 200 || f->status >= 500)
        && turn->what <= NGX_AIGC_ROTATION_TURN_WRITE
        && ++turn->fails < NGX_AIGC_ROTATION_FAILS)
    {
        turn->looks = NGX_AIGC_ROTATION_LOOKS - 1;
        ngx_add_timer(&turn->timer, NGX_AIGC_ROTATION_AGAIN);
        return;
    }

    ngx_aigc_rotation_complain(f->status, f->error, what);
    ngx_aigc_rotation_turn_end(turn);
}


static time_t
ngx_aigc_rotation_exp(ngx_str_t *text)
{
    ngx_aigc_rotation_t  rotation;

    return (text->len
            && ngx_aigc_rotation_parse(text, &rotation) == NGX_OK)
           ? rotation.exp : 0;
}


static void
ngx_aigc_rotation_turn_start(ngx_aigc_rotation_turn_t *turn,
    ngx_aigc_fetch_t *f, ngx_aigc_fetch_done_pt done)
{
    f->reserve = NGX_AIGC_RESERVE_CALL;
    f->done = done;
    f->ctx = turn;

    if (ngx_aigc_fetch_start(f) != NGX_OK) {
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    turn->fetch = f;
    ngx_add_timer(&turn->timer, NGX_AIGC_ROTATION_TIMEOUT + 1000);
}


/* A wait is over; or libcurl did not end a call. */
static void
ngx_aigc_rotation_turn_timer(ngx_event_t *ev)
{
    ngx_str_t                  text;
    ngx_aigc_rotation_turn_t  *turn;

    turn = (ngx_aigc_rotation_turn_t *)
               ((u_char *) ev - offsetof(ngx_aigc_rotation_turn_t, timer));

    if (turn->fetch) {
        ngx_aigc_fetch_cancel(turn->fetch);
        turn->fetch = NULL;

        ngx_aigc_rotation_complain(0, "no response", "reached");
        ngx_aigc_rotation_turn_end(turn);
        return;
    }

    if (turn->what != NGX_AIGC_ROTATION_TURN_CLAIM
        || ++turn->looks % NGX_AIGC_ROTATION_LOOKS == 0)
    {
        ngx_aigc_rotation_turn_read(turn);
        return;
    }

    if (ngx_aigc_rotation_find(turn->zone, turn->pool, turn->key, &text)
        == NGX_OK)
    {
        turn->was = text;
    }

    ngx_aigc_rotation_turn_claim(turn);
}


static void
ngx_aigc_rotation_turn_end(ngx_aigc_rotation_turn_t *turn)
{
    ngx_aigc_timer_stop(&turn->timer);

    turn->handler(turn);
}
