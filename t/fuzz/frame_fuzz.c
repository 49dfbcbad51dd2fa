/*
 * t/fuzz/frame_fuzz.c — the bytes of a watch.  The first line is the size of
 * its pieces; the lines and events are the same in pieces of any size.
 */

#include "fuzz.h"
#include "base/ngx_aigc_text.h"
#include "kube/ngx_aigc_frame.h"
#include "kube/ngx_aigc_managed_fields.h"


static void frame_event(fuzz_t *f, ngx_str_t *line);


FUZZ(frame)
{
    size_t             size, n, from, to;
    ngx_str_t          text, line;
    ngx_aigc_frame_t   frame;

    size = fuzz_number(f) % 8192 + 1;
    text = fuzz_rest(f);

    ngx_aigc_frame_init(&frame);

    from = 0;                           /* where the line begins in text */

    for (n = 0; n < text.len; n += size) {
        must(ngx_aigc_frame_feed(&frame, text.data + n,
                                 ngx_min(size, text.len - n))
             == NGX_OK);

        while (ngx_aigc_frame_next(&frame, &line) == NGX_OK) {

            do {
                while (text.data[from] == LF
                       || (text.data[from] == CR && text.data[from + 1] == LF))
                {
                    from++;
                }

                to = (u_char *) memchr(text.data + from, LF, text.len - from)
                     - text.data;
            } while (to == from);

            must(to <= n + size);
            must(ngx_memcmp(line.data, text.data + from, line.len) == 0);
            must(line.len == to - from
                 || (line.len + 1 == to - from && text.data[to - 1] == CR));

            frame_event(f, &line);
            from = to + 1;
        }
    }

    ngx_aigc_frame_free(&frame);

    line = fuzz_copy(f, text.data, text.len);
    ngx_aigc_managed_fields_empty(&line);
    must(line.len <= text.len);
    must(fuzz_json(f, &text, 0) == NULL || fuzz_json(f, &line, 0) != NULL);
}


/* The reader that builds the object and the one that does not. */
static void
frame_event(fuzz_t *f, ngx_str_t *line)
{
    json_t                  *root;
    ngx_int_t                rc;
    ngx_str_t                text;
    ngx_aigc_watch_event_t   event, quick;

    text = fuzz_copy(f, line->data, line->len);

    rc = ngx_aigc_watch_event(&text, &event);
    root = (rc == NGX_OK) ? fuzz_own(f, event.root) : NULL;

    must(rc == NGX_OK || event.root == NULL);
    must(rc != NGX_OK || event.type == NGX_AIGC_EVENT_ERROR
         || event.version.len > 0);

    if (ngx_aigc_watch_event_text(&text, &quick) != NGX_OK) {
        return;
    }

    (void) fuzz_own(f, quick.root);
    must(quick.type >= NGX_AIGC_EVENT_ADDED
         && quick.type <= NGX_AIGC_EVENT_ERROR);
    must(quick.root != NULL || fuzz_inside(&quick.text, &text));
    must(quick.root != NULL || fuzz_inside(&quick.version, &text));

    /* the same, where no name is there twice or escaped */

    if (root && fuzz_json(f, &text, JSON_REJECT_DUPLICATES)
        && memchr(text.data, '\\', text.len) == NULL)
    {
        must(quick.type == event.type && quick.code == event.code);
        must(fuzz_eq(&quick.version, &event.version));
    }
}
