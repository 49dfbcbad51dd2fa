/* kube/ngx_aigc_frame.h: a watch in whatever pieces it comes. */

#include "unit.h"
#include "unit_json.h"
#include "kube/ngx_aigc_frame.h"


#define FRAME_LINES  400


/* feeds a copy with nothing behind it, so that ASan sees a read too far */

static ngx_int_t
frame_feed(unit_t *u, ngx_aigc_frame_t *f, const void *data, size_t len)
{
    u_char     *copy;
    ngx_int_t   rc;

    copy = malloc(len ? len : 1);
    ngx_memcpy(copy, data, len);

    rc = ngx_aigc_frame_feed(f, copy, len);

    ngx_memset(copy, 0xff, len);
    free(copy);

    return rc;
}


static void
frame_lines(unit_t *u)
{
    ngx_str_t         line;
    ngx_aigc_frame_t  f;

    ngx_aigc_frame_init(&f);

    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    is_int(u, frame_feed(u, &f, "", 0), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);

    is_int(u, frame_feed(u, &f, "one\n\n\r\ntwo\r\nth", 14), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_str(u, &line, "one");
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_str(u, &line, "two");
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);

    is_int(u, frame_feed(u, &f, "ree", 3), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    is_int(u, frame_feed(u, &f, "\n\n", 2), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_str(u, &line, "three");
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);

    is_int(u, frame_feed(u, &f, "half", 4), NGX_OK);
    ngx_aigc_frame_free(&f);

    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    is_int(u, frame_feed(u, &f, "new\n", 4), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_str(u, &line, "new");

    ngx_aigc_frame_free(&f);
    ngx_aigc_frame_free(&f);
}


/* line i is its number and then as many a's as sizes says */

static ngx_str_t
frame_stream(unit_t *u, uint32_t *seed, ngx_str_t *lines)
{
    u_char      *p;
    size_t       size;
    ngx_str_t    s;
    ngx_uint_t   i;

    s.data = ngx_pnalloc(u->pool, FRAME_LINES * 3100);
    p = s.data;

    for (i = 0; i < FRAME_LINES; i++) {
        lines[i].data = p;

        size = unit_random(seed, unit_random(seed, 10) ? 50 : 3000);

        p = ngx_sprintf(p, "%ui:", i);
        ngx_memset(p, 'a' + i % 26, size);
        p += size;

        lines[i].len = p - lines[i].data;

        *p++ = '\n';

        while (unit_random(seed, 5) == 0) {
            *p++ = '\n';
        }
    }

    s.len = p - s.data;

    return s;
}


/* takes max lines at most; the number of the next one, or -1: a wrong one */

static ngx_int_t
frame_take(unit_t *u, ngx_aigc_frame_t *f, ngx_str_t *lines, ngx_int_t n,
    ngx_uint_t max)
{
    ngx_str_t  line;

    while (max-- && ngx_aigc_frame_next(f, &line) == NGX_OK) {

        if (!ok(u, n < FRAME_LINES)
            || !is_int(u, line.len, lines[n].len)
            || !ok(u, ngx_memcmp(line.data, lines[n].data, line.len) == 0))
        {
            return -1;
        }

        n++;
    }

    return n;
}


static void
frame_pieces(unit_t *u)
{
    size_t            pos, len;
    uint32_t          seed;
    ngx_int_t         n;
    ngx_str_t         s, lines[FRAME_LINES];
    ngx_uint_t        round;
    ngx_aigc_frame_t  f;

    seed = 7;

    for (round = 0; round < 20; round++) {

        s = frame_stream(u, &seed, lines);
        n = 0;

        ngx_aigc_frame_init(&f);

        for (pos = 0; pos < s.len && n >= 0; pos += len) {

            switch (round) {

            case 0:
                len = 1;
                break;

            case 1:
                len = s.len;
                break;

            default:
                len = 1 + unit_random(&seed, 1 << (round % 17));
                break;
            }

            len = ngx_min(len, s.len - pos);

            is_int(u, frame_feed(u, &f, s.data + pos, len), NGX_OK);

            /* all of them; and, in odd rounds, sometimes only a few */

            n = frame_take(u, &f, lines, n,
                           (round & 1) && unit_random(&seed, 2)
                           ? unit_random(&seed, 4) : FRAME_LINES + 1);
        }

        n = (n < 0) ? n : frame_take(u, &f, lines, n, FRAME_LINES + 1);

        ngx_aigc_frame_free(&f);

        if (!is_int(u, n, FRAME_LINES)) {
            unit_note("round %d", (int) round);
            return;
        }
    }
}


static void
frame_bound(unit_t *u)
{
    size_t            i;
    u_char           *big;
    ngx_str_t         line;
    ngx_aigc_frame_t  f;

    big = malloc(NGX_AIGC_FRAME_MAX + 1);
    ngx_memset(big, 'a', NGX_AIGC_FRAME_MAX + 1);

    ngx_aigc_frame_init(&f);

    is_int(u, ngx_aigc_frame_feed(&f, big, NGX_AIGC_FRAME_MAX + 1),
           NGX_DECLINED);
    is_int(u, f.size, 0);

    is_int(u, ngx_aigc_frame_feed(&f, big, NGX_AIGC_FRAME_MAX - 1), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    is_int(u, ngx_aigc_frame_feed(&f, big, 2), NGX_DECLINED);
    is_int(u, ngx_aigc_frame_feed(&f, (u_char *) "\n", 1), NGX_OK);
    is_int(u, ngx_aigc_frame_feed(&f, (u_char *) "\n", 1), NGX_DECLINED);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_int(u, line.len, NGX_AIGC_FRAME_MAX - 1);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_AGAIN);
    ok(u, f.size <= 2 * NGX_AIGC_FRAME_MAX);

    /* what a big event took is given back by the next small one */

    is_int(u, ngx_aigc_frame_feed(&f, (u_char *) "x\n", 2), NGX_OK);
    ok(u, f.size <= 65536);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_str(u, &line, "x");

    ngx_aigc_frame_free(&f);

    /* the bound is on what waits, not on all that ever came */

    for (i = 0; i < 3 * NGX_AIGC_FRAME_MAX / 16384; i++) {
        big[16383] = '\n';
        if (!is_int(u, ngx_aigc_frame_feed(&f, big, 16384), NGX_OK)
            || !is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK)
            || !is_int(u, line.len, 16383))
        {
            break;
        }
    }

    is_int(u, f.size, 16384);

    ngx_aigc_frame_free(&f);
    free(big);
}


/* 4 MiB a few bytes at a time, with a look after each: linear, or minutes */

static void
frame_linear(unit_t *u)
{
    double            usec;
    size_t            i;
    ngx_str_t         line;
    ngx_uint_t        got;
    ngx_aigc_frame_t  f;

    ngx_aigc_frame_init(&f);

    usec = unit_usec();

    for (i = 0; i < (NGX_AIGC_FRAME_MAX - 8) / 8; i++) {
        if (ngx_aigc_frame_feed(&f, (u_char *) "aaaaaaaa", 8) != NGX_OK
            || ngx_aigc_frame_next(&f, &line) != NGX_AGAIN)
        {
            break;
        }
    }

    is_int(u, i, (NGX_AIGC_FRAME_MAX - 8) / 8);
    is_int(u, ngx_aigc_frame_feed(&f, (u_char *) "\n", 1), NGX_OK);
    is_int(u, ngx_aigc_frame_next(&f, &line), NGX_OK);
    is_int(u, line.len, i * 8);

    unit_note("4 MiB, 8 bytes at a time: %.1f ms",
              (unit_usec() - usec) / 1000);

    ok(u, unit_usec() - usec < 10e6);

    ngx_aigc_frame_free(&f);

    /* and short lines, all there before the first is taken */

    usec = unit_usec();

    for (i = 0; i < 2000000; i++) {
        if (ngx_aigc_frame_feed(&f, (u_char *) "x\n", 2) != NGX_OK) {
            break;
        }
    }

    for (got = 0; ngx_aigc_frame_next(&f, &line) == NGX_OK; got++) {
        /* void */
    }

    is_int(u, got, 2000000);

    unit_note("2000000 lines: %.1f ms", (unit_usec() - usec) / 1000);

    ok(u, unit_usec() - usec < 10e6);

    ngx_aigc_frame_free(&f);
}


static void
frame_events(unit_t *u)
{
    ngx_str_t               line;
    ngx_uint_t              i;
    ngx_aigc_watch_event_t  event;

    static const struct {
        const char        *line;
        ngx_aigc_event_e   type;        /* 0: declined */
        const char        *version;
        ngx_uint_t         initial_end;
        ngx_int_t          code;
    } cases[] = {
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"12\"}}}", NGX_AIGC_EVENT_ADDED, "12", 0, 0 },
        { "{\"object\":{\"metadata\":{\"resourceVersion\":\"13\"}},"
          "\"type\":\"MODIFIED\"}", NGX_AIGC_EVENT_MODIFIED, "13", 0, 0 },
        { " {\"type\":\"DELETED\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"14\"}}} ", NGX_AIGC_EVENT_DELETED, "14", 0,
          0 },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"15\"}}}", NGX_AIGC_EVENT_BOOKMARK, "15", 0,
          0 },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"GameServerSet\","
          "\"metadata\":{\"resourceVersion\":\"16\",\"annotations\":"
          "{\"k8s.io/initial-events-end\":\"true\"}}}}",
          NGX_AIGC_EVENT_BOOKMARK, "16", 1, 0 },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"17\",\"annotations\":"
          "{\"k8s.io/initial-events-end\":\"false\"}}}}",
          NGX_AIGC_EVENT_BOOKMARK, "17", 0, 0 },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"18\",\"annotations\":"
          "{\"k8s.io/initial-events-end\":\"true\"}}}}",
          NGX_AIGC_EVENT_ADDED, "18", 0, 0 },
        { "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\","
          "\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
          "\"message\":\"too old resource version: 1 (204)\","
          "\"reason\":\"Expired\",\"code\":410}}", NGX_AIGC_EVENT_ERROR, "",
          0, 410 },
        { "{\"type\":\"ERROR\",\"object\":{}}", NGX_AIGC_EVENT_ERROR, "", 0,
          0 },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":\"410\"}}",
          NGX_AIGC_EVENT_ERROR, "", 0, 0 },
        { "{\"type\":\"ERROR\"}", 0, "", 0, 0 },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":{}}}", 0, "", 0, 0 },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":12}}}", 0, "", 0, 0 },
        { "{\"type\":\"ADDED\",\"object\":[]}", 0, "", 0, 0 },
        { "{\"type\":\"ADDED\"}", 0, "", 0, 0 },
        { "{\"type\":\"added\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"12\"}}}", 0, "", 0, 0 },
        { "{\"type\":\"SYNC\",\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"12\"}}}", 0, "", 0, 0 },
        { "{\"type\":7,\"object\":{\"metadata\":"
          "{\"resourceVersion\":\"12\"}}}", 0, "", 0, 0 },
        { "{\"object\":{\"metadata\":{\"resourceVersion\":\"12\"}}}", 0, "",
          0, 0 },
        { "{\"kind\":\"Status\",\"code\":410}", 0, "", 0, 0 },
        { "<html>502</html>", 0, "", 0, 0 },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":", 0, "", 0, 0 },
        { "[]", 0, "", 0, 0 },
        { "", 0, "", 0, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        line = unit_str(u, cases[i].line);

        ngx_memset(&event, 0xff, sizeof(event));

        if (!is_int(u, ngx_aigc_watch_event(&line, &event),
                    cases[i].type ? NGX_OK : NGX_DECLINED))
        {
            unit_note("%s", cases[i].line);
            continue;
        }

        is_int(u, event.type, cases[i].type);
        is_str(u, &event.version, cases[i].version);
        is_int(u, event.initial_end, cases[i].initial_end);
        is_int(u, event.code, cases[i].code);

        if (cases[i].type) {
            ok(u, json_is_object(event.object));
            ok(u, json_object_get(event.root, "object") == event.object);

        } else {
            ok(u, event.object == NULL && event.root == NULL);
        }

        json_decref(event.root);

        /* the same by its text, of which the object is not built */

        ngx_memset(&event, 0xff, sizeof(event));

        if (!is_int(u, ngx_aigc_watch_event_text(&line, &event),
                    cases[i].type ? NGX_OK : NGX_DECLINED))
        {
            unit_note("%s", cases[i].line);
            continue;
        }

        is_int(u, event.type, cases[i].type);
        is_str(u, &event.version, cases[i].version);
        is_int(u, event.initial_end, cases[i].initial_end);
        is_int(u, event.code, cases[i].code);

        if (cases[i].type == NGX_AIGC_EVENT_BOOKMARK
            || cases[i].type == NGX_AIGC_EVENT_ERROR)
        {
            ok(u, json_is_object(event.object));

        } else {
            ok(u, event.root == NULL);
        }

        ok(u, (event.text.len != 0) == (cases[i].type && event.root == NULL));

        json_decref(event.root);
    }
}


static void
frame_texts(unit_t *u)
{
    ngx_str_t               line;
    ngx_uint_t              i;
    ngx_aigc_watch_event_t  event;

    static const char  *declined[] = {
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
        "{\"resourceVersion\":\"1\\u0032\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
        "{\"resourceVersion\":\"\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"data\":{}}}",
        "{\"type\":\"ADDED\",\"object\":[{\"metadata\":"
        "{\"resourceVersion\":\"12\"}}]}",
        "{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":{\"metadata\":"
        "{\"resourceVersion\":\"12\"}}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":"
        "{\"resourceVersion\":\"12\"}}"
    };

    line = unit_str(u, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":"
                    "{\"name\":\"n\",\"resourceVersion\":\"7\"},\"data\":"
                    "{\"a\":\"1\"}}}");

    is_int(u, ngx_aigc_watch_event_text(&line, &event), NGX_OK);
    is_str(u, &event.text, "{\"metadata\":{\"name\":\"n\",\"resourceVersion\":"
                           "\"7\"},\"data\":{\"a\":\"1\"}}");
    is_str(u, &event.version, "7");

    for (i = 0; i < sizeof(declined) / sizeof(declined[0]); i++) {
        line = unit_str(u, declined[i]);

        if (!is_int(u, ngx_aigc_watch_event_text(&line, &event), NGX_DECLINED))
        {
            unit_note("%s", declined[i]);
        }
    }
}


unit_test_t  frame_tests[] = {
    { "lines, empty lines, a fresh start", frame_lines },
    { "a byte at a time, at once, and at random", frame_pieces },
    { "the bound, and memory given back", frame_bound },
    { "linear", frame_linear },
    { "events, and what is none", frame_events },
    { "an object's text", frame_texts },
    { NULL, NULL }
};
