/* instances/ngx_aigc_claim.h: whose an instance is. */

#include "unit.h"
#include "unit_json.h"
#include "instances/ngx_aigc_claim.h"


#define OWNER  "\"owner\":\"alice\""
#define STATE  "\"state\":\"running\""
#define SINCE  "\"since\":\"2026-01-02T03:04:05Z\""
#define GSS    "\"gss\":\"52d8cbba-0a87-40a3-9436-ff602273be6d\""
#define KEEP   "\"disk\":\"keep\""


static void
claim_good(unit_t *u)
{
    ngx_str_t         raw;
    ngx_uint_t        i;
    ngx_aigc_claim_t  claim;

    static const struct {
        const char        *raw;
        ngx_aigc_state_e   state;
        const char        *owner;
    } cases[] = {
        { "{" OWNER "," STATE "," SINCE "," GSS "}", NGX_AIGC_RUNNING,
          "alice" },
        { "{" GSS "," SINCE ",\"state\":\"released\"," OWNER "}",
          NGX_AIGC_RELEASED, "alice" },
        { "{\"state\":\"uninstalling\"," SINCE "," OWNER "," GSS "}",
          NGX_AIGC_UNINSTALLING, "alice" },
        { " {\n " OWNER " , " STATE "," SINCE "," GSS ",\"later\":[1]} ",
          NGX_AIGC_RUNNING, "alice" },
        { "{\"owner\":\"\\u00e9 \\\"x\\\"\"," STATE "," SINCE "," GSS "}",
          NGX_AIGC_RUNNING, "\xc3\xa9 \"x\"" },
        { "{" OWNER "," STATE "," SINCE "," GSS "," KEEP "}",
          NGX_AIGC_RUNNING, "alice" },
        { "{" KEEP "," OWNER "," STATE "," SINCE "," GSS "}",
          NGX_AIGC_RUNNING, "alice" },
        { "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":\"\\u006beep\"}",
          NGX_AIGC_RUNNING, "alice" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw = unit_str(u, cases[i].raw);

        is_int(u, ngx_aigc_claim_read(u->pool, 12, &raw, &claim), NGX_OK);
        is_int(u, claim.id, 12);
        is_int(u, claim.state, cases[i].state);
        is_str(u, &claim.owner, cases[i].owner);
        is_str(u, &claim.since, "2026-01-02T03:04:05Z");
        is_int(u, claim.since_sec, 1767323045);
        is_str(u, &claim.gss, "52d8cbba-0a87-40a3-9436-ff602273be6d");
        is_str(u, &claim.raw, cases[i].raw);
        is_int(u, claim.keep, strstr(cases[i].raw, "\"disk\"") ? 1 : 0);
        ok(u, claim.raw.data != raw.data);
    }
}


static void
claim_unreadable(unit_t *u)
{
    ngx_str_t         raw;
    ngx_uint_t        i;
    ngx_aigc_claim_t  claim;

    static const char  *cases[] = {
        "", " ", "null", "7", "[]", "\"running\"", "{}", "x", "{",
        "{" OWNER "," STATE "," SINCE "," GSS,
        "{" OWNER "," STATE "," SINCE "," GSS "}}",
        "{" OWNER "," STATE "," SINCE "," GSS "} x",
        "{" STATE "," SINCE "," GSS "}",
        "{" OWNER "," SINCE "," GSS "}",
        "{" OWNER "," STATE "," GSS "}",
        "{" OWNER "," STATE "," SINCE "}",
        "{" OWNER "," OWNER "," STATE "," SINCE "," GSS "}",
        "{" OWNER ",\"owner\":\"bob\"," STATE "," SINCE "," GSS "}",
        "{\"owner\":\"\"," STATE "," SINCE "," GSS "}",
        "{\"owner\":7," STATE "," SINCE "," GSS "}",
        "{\"owner\":null," STATE "," SINCE "," GSS "}",
        "{\"owner\":[\"alice\"]," STATE "," SINCE "," GSS "}",
        "{\"owner\":\"a\\nb\"," STATE "," SINCE "," GSS "}",
        "{\"owner\":\"a\\u007fb\"," STATE "," SINCE "," GSS "}",
        "{\"owner\":\"a\\u0000b\"," STATE "," SINCE "," GSS "}",
        "{\"owner\":\"a\xff" "b\"," STATE "," SINCE "," GSS "}",
        "{" OWNER ",\"state\":\"Running\"," SINCE "," GSS "}",
        "{" OWNER ",\"state\":\"\"," SINCE "," GSS "}",
        "{" OWNER ",\"state\":\"run\"," SINCE "," GSS "}",
        "{" OWNER ",\"state\":1," SINCE "," GSS "}",
        "{" OWNER "," STATE ",\"since\":\"yesterday\"," GSS "}",
        "{" OWNER "," STATE ",\"since\":\"2026-02-30T03:04:05Z\"," GSS "}",
        "{" OWNER "," STATE ",\"since\":1767323045," GSS "}",
        "{" OWNER "," STATE "," SINCE ",\"gss\":\"\"}",
        "{" OWNER "," STATE "," SINCE ",\"gss\":7}",
        "{" OWNER "," STATE "," SINCE ",\"gss\":\"a\\tb\"}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":\"\"}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":\"kee\"}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":\"keeper\"}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":\"Keep\"}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":true}",
        "{" OWNER "," STATE "," SINCE "," GSS ",\"disk\":null}",
        "{" OWNER "," STATE "," SINCE "," GSS "," KEEP "," KEEP "}",
        "{" OWNER "," STATE "," SINCE "," GSS "," KEEP,
        "{" KEEP "," STATE "," SINCE "," GSS "}",
        "{" OWNER "," STATE "," SINCE ",\"gss\":\"01234567890123456789"
            "012345678901234567890123456789012345678901234\"}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw = unit_str(u, cases[i]);

        is_int(u, ngx_aigc_claim_read(u->pool, 3, &raw, &claim), NGX_OK);

        if (!is_int(u, claim.state, NGX_AIGC_UNREADABLE)) {
            unit_note("%s", cases[i]);
        }

        is_int(u, claim.id, 3);
        is_str(u, &claim.raw, cases[i]);
        is_int(u, claim.owner.len, 0);
        is_int(u, claim.since.len, 0);
        is_int(u, claim.since_sec, 0);
        is_int(u, claim.gss.len, 0);
        is_int(u, claim.keep, 0);
    }
}


/* owner of n bytes, filled up with blanks outside to size bytes */

static ngx_str_t
claim_text(unit_t *u, size_t n, size_t size)
{
    u_char     *p;
    ngx_str_t   raw;

    raw.len = size;
    raw.data = ngx_pnalloc(u->pool, size);

    ngx_memset(raw.data, ' ', size);

    p = ngx_sprintf(raw.data, "{\"owner\":\"");
    ngx_memset(p, 'a', n);
    p += n;
    (void) ngx_sprintf(p, "\"," STATE "," SINCE "," GSS "}");

    return raw;
}


static void
claim_bounds(unit_t *u)
{
    size_t            n;
    ngx_str_t         raw;
    ngx_aigc_claim_t  claim;

    for (n = NGX_AIGC_SUB_MAX - 1; n <= NGX_AIGC_SUB_MAX + 1; n++) {
        raw = claim_text(u, n, NGX_AIGC_ANNOTATION_MAX);

        is_int(u, ngx_aigc_claim_read(u->pool, 0, &raw, &claim), NGX_OK);
        is_int(u, claim.state, n > NGX_AIGC_SUB_MAX ? NGX_AIGC_UNREADABLE
                                                    : NGX_AIGC_RUNNING);
        is_int(u, claim.owner.len, n > NGX_AIGC_SUB_MAX ? 0 : n);
    }

    for (n = NGX_AIGC_ANNOTATION_MAX - 1; n <= NGX_AIGC_ANNOTATION_MAX + 1;
         n++)
    {
        raw = claim_text(u, 5, n);

        is_int(u, ngx_aigc_claim_read(u->pool, 0, &raw, &claim), NGX_OK);
        is_int(u, claim.state, n > NGX_AIGC_ANNOTATION_MAX
                               ? NGX_AIGC_UNREADABLE : NGX_AIGC_RUNNING);
        is_int(u, claim.raw.len, ngx_min(n, NGX_AIGC_ANNOTATION_MAX));
    }

    /* what is kept of a value over the bound is still UTF-8 */

    raw = claim_text(u, 5, NGX_AIGC_ANNOTATION_MAX + 2);
    ngx_memcpy(raw.data + NGX_AIGC_ANNOTATION_MAX - 1, "\xe2\x82\xac", 3);

    is_int(u, ngx_aigc_claim_read(u->pool, 0, &raw, &claim), NGX_OK);
    is_int(u, claim.state, NGX_AIGC_UNREADABLE);
    is_int(u, claim.raw.len, NGX_AIGC_ANNOTATION_MAX - 1);
}


static void
claim_written(unit_t *u)
{
    ngx_aigc_claim_t  claim, back;

    ngx_memzero(&claim, sizeof(claim));

    claim.id = 7;
    claim.state = NGX_AIGC_RELEASED;
    claim.owner = unit_str(u, "a\"b\\c/\xc3\xa9");
    claim.gss = unit_str(u, "uid-1");

    is_int(u, ngx_aigc_time_write(u->pool, 1767323045, &claim.since), NGX_OK);
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_OK);

    is_str(u, &claim.raw, "{\"owner\":\"a\\\"b\\\\c/\xc3\xa9\","
                          "\"state\":\"released\","
                          "\"since\":\"2026-01-02T03:04:05Z\","
                          "\"gss\":\"uid-1\"}");

    back = claim;
    is_int(u, ngx_aigc_claim_read(u->pool, 7, &back.raw, &back), NGX_OK);

    is_int(u, back.state, NGX_AIGC_RELEASED);
    is_str(u, &back.owner, "a\"b\\c/\xc3\xa9");
    is_int(u, back.since_sec, 1767323045);
    is_str(u, &back.gss, "uid-1");
    is_int(u, back.keep, 0);

    claim.state = NGX_AIGC_UNINSTALLING;
    claim.keep = 1;
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_OK);

    is_str(u, &claim.raw, "{\"owner\":\"a\\\"b\\\\c/\xc3\xa9\","
                          "\"state\":\"uninstalling\","
                          "\"since\":\"2026-01-02T03:04:05Z\","
                          "\"gss\":\"uid-1\",\"disk\":\"keep\"}");

    is_int(u, ngx_aigc_claim_read(u->pool, 7, &claim.raw, &back), NGX_OK);
    is_int(u, back.state, NGX_AIGC_UNINSTALLING);
    is_int(u, back.keep, 1);
}


/* what could not be read back is not written */

static void
claim_not_written(unit_t *u)
{
    u_char            quotes[NGX_AIGC_SUB_MAX];
    ngx_uint_t        i;
    ngx_aigc_claim_t  good, claim;

    static const ngx_aigc_state_e  states[] = {
        NGX_AIGC_NO_STATE, NGX_AIGC_UNREADABLE, 99
    };

    static const char  *owners[] = { "", "a\nb", "\xff", "\x7f" };
    static const char  *times[] = { "", "now", "1970-01-01T00:00:00" };

    ngx_memzero(&good, sizeof(good));

    good.state = NGX_AIGC_RUNNING;
    good.owner = unit_str(u, "alice");
    good.since = unit_str(u, "2026-01-02T03:04:05Z");
    good.gss = unit_str(u, "uid-1");

    claim = good;
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_OK);

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        claim = good;
        claim.state = states[i];
        is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_DECLINED);
        is_int(u, claim.raw.len, 0);
    }

    for (i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        claim = good;
        claim.owner = unit_str(u, owners[i]);
        is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_DECLINED);
    }

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        claim = good;
        claim.since = unit_str(u, times[i]);
        is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_DECLINED);
    }

    claim = good;
    claim.gss = unit_str(u, "");
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_DECLINED);

    /* the longest owner, each byte of it escaped, fits */

    ngx_memset(quotes, '"', sizeof(quotes));

    claim = good;
    claim.state = NGX_AIGC_UNINSTALLING;
    claim.keep = 1;
    claim.owner = unit_bytes(u, quotes, sizeof(quotes));
    claim.gss = unit_str(u, "52d8cbba-0a87-40a3-9436-ff602273be6d");
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_OK);

    claim.gss = unit_str(u, "52d8cbba-0a87-40a3-9436-ff602273be6d"
                            "52d8cbba-0a87-40a3-9436-ff60");
    is_int(u, ngx_aigc_claim_write(u->pool, &claim), NGX_DECLINED);
}


static void
claim_state_names(unit_t *u)
{
    is_str(u, ngx_aigc_state_name(NGX_AIGC_RUNNING), "running");
    is_str(u, ngx_aigc_state_name(NGX_AIGC_RELEASED), "released");
    is_str(u, ngx_aigc_state_name(NGX_AIGC_UNINSTALLING), "uninstalling");
    is_str(u, ngx_aigc_state_name(NGX_AIGC_UNREADABLE), "");
    is_str(u, ngx_aigc_state_name(NGX_AIGC_NO_STATE), "");
    is_str(u, ngx_aigc_state_name(99), "");
}


static void
claim_times(unit_t *u)
{
    ngx_str_t   text;
    ngx_uint_t  i;

    static const struct {
        const char  *text;
        time_t       t;
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:01Z", 1 },
        { "2000-02-29T23:59:59Z", 951868799 },
        { "2024-02-29T00:00:00Z", 1709164800 },
        { "2038-01-19T03:14:08Z", 2147483648LL },
        { "9999-12-31T23:59:59Z", 253402300799LL },
        { "2026-01-02T03:04:05.999999999Z", 1767323045 },
        { "2026-01-02T03:04:05+00:00", 1767323045 },
        { "2026-01-02T05:04:05+02:00", 1767323045 },
        { "2026-01-01T21:34:05.5-05:30", 1767323045 },
        { "2026-01-02t03:04:05z", 1767323045 },
        { "2016-12-31T23:59:60Z", 1483228800 },
        { "1970-01-01T00:00:00+00:01", -1 },
        { "1969-12-31T23:59:59Z", -1 },
        { "0000-01-01T00:00:00Z", -1 },
        { "2026-00-02T03:04:05Z", -1 },
        { "2026-13-02T03:04:05Z", -1 },
        { "2026-01-00T03:04:05Z", -1 },
        { "2026-01-32T03:04:05Z", -1 },
        { "2026-04-31T03:04:05Z", -1 },
        { "2026-02-29T03:04:05Z", -1 },
        { "1900-02-29T03:04:05Z", -1 },
        { "2100-02-29T03:04:05Z", -1 },
        { "2026-01-02T24:00:00Z", -1 },
        { "2026-01-02T03:60:05Z", -1 },
        { "2026-01-02T03:04:61Z", -1 },
        { "2026-01-02 03:04:05Z", -1 },
        { "2026-01-02T03:04:05", -1 },
        { "2026-01-02T03:04:05X", -1 },
        { "2026-01-02T03:04:05ZZ", -1 },
        { "2026-01-02T03:04:05.Z", -1 },
        { "2026-01-02T03:04:05.5", -1 },
        { "2026-01-02T03:04:05+0200", -1 },
        { "2026-01-02T03:04:05+24:00", -1 },
        { "2026-01-02T03:04:05+02:60", -1 },
        { "2026-01-02T03:04:05+02:0", -1 },
        { "2026-1-02T03:04:05Z", -1 },
        { "+026-01-02T03:04:05Z", -1 },
        { "2026/01/02T03:04:05Z", -1 },
        { "2026-01-02T03.04.05Z", -1 },
        { "20260102T030405Z", -1 },
        { "2026-01-02T03:04:05.0000000000000000000000Z", -1 },
        { "", -1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i].text);

        if (!is_int(u, ngx_aigc_time_read(&text), cases[i].t)) {
            unit_note("%s", cases[i].text);
        }
    }
}


/* every day from 1970 to 2100, at a moving second, against libc */

static void
claim_days(unit_t *u)
{
    char        want[32];
    time_t      t;
    struct tm   tm;
    ngx_str_t   text;

    for (t = 0; t < 4102444800LL; t += 86400 + 61) {

        if (!is_int(u, ngx_aigc_time_write(u->pool, t, &text), NGX_OK)
            || !ok(u, gmtime_r(&t, &tm) != NULL)
            || !ok(u, strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm)
                      == 20)
            || !is_str(u, &text, want)
            || !is_int(u, ngx_aigc_time_read(&text), t))
        {
            return;
        }
    }

    is_int(u, ngx_aigc_time_write(u->pool, 253402300799LL, &text), NGX_OK);
    is_str(u, &text, "9999-12-31T23:59:59Z");
    is_int(u, ngx_aigc_time_write(u->pool, 253402300800LL, &text), NGX_ERROR);
    is_int(u, ngx_aigc_time_write(u->pool, -1, &text), NGX_ERROR);
}


/*
 * No byte changed in a good annotation makes it crash; and the annotation as
 * we write it, which is scanned, means what JSON says: with a blank in front
 * jansson reads it.
 */

static void
claim_mutations(unit_t *u)
{
    uint32_t           seed;
    ngx_str_t          raw, slow;
    ngx_uint_t         i, n, readable;
    ngx_aigc_claim_t   claim, same;

    static const u_char  chars[] = "\"\\{}:,\x1f\x7f\xc3\xa9 u0";

    seed = 99;
    readable = 0;

    for (i = 0; i < 5000; i++) {
        raw = unit_str(u, i % 2 ? "{" OWNER "," STATE "," SINCE "," GSS "}"
                                : "{" OWNER "," STATE "," SINCE "," GSS ","
                                  KEEP "}");

        for (n = unit_random(&seed, 3); n; n--) {
            raw.data[unit_random(&seed, raw.len)]
                = unit_random(&seed, 2) ? unit_random(&seed, 256)
                                 : chars[unit_random(&seed, sizeof(chars))];
        }

        raw.len -= unit_random(&seed, 4) ? 0 : unit_random(&seed, raw.len);

        slow.len = raw.len + 1;
        slow.data = ngx_pnalloc(u->pool, slow.len);
        slow.data[0] = ' ';
        ngx_memcpy(slow.data + 1, raw.data, raw.len);

        is_int(u, ngx_aigc_claim_read(u->pool, 1, &raw, &claim), NGX_OK);
        is_int(u, ngx_aigc_claim_read(u->pool, 1, &slow, &same), NGX_OK);

        if (!is_int(u, claim.state, same.state)
            || !is_int(u, claim.owner.len, same.owner.len)
            || !ok(u, claim.owner.len == 0
                      || ngx_memcmp(claim.owner.data, same.owner.data,
                                    claim.owner.len) == 0)
            || !is_int(u, claim.since_sec, same.since_sec)
            || !is_int(u, claim.keep, same.keep)
            || !is_int(u, claim.gss.len, same.gss.len))
        {
            unit_note("%.*s", (int) raw.len, raw.data);
        }

        if (claim.state == NGX_AIGC_UNREADABLE) {
            is_int(u, claim.owner.len, 0);

        } else {
            readable++;
            ok(u, claim.owner.len > 0 && claim.owner.len <= 5);
            ok(u, claim.since_sec > 0);
        }
    }

    ok(u, readable > 500 && readable < 4500);
}


unit_test_t  claim_tests[] = {
    { "a good annotation, in any order", claim_good },
    { "what cannot be read is nobody's", claim_unreadable },
    { "owner and value have bounds", claim_bounds },
    { "written and read back", claim_written },
    { "what could not be read back is not written", claim_not_written },
    { "states by name", claim_state_names },
    { "RFC 3339, and what is not", claim_times },
    { "days agree with libc from 1970 to 2100", claim_days },
    { "damaged annotations", claim_mutations },
    { NULL, NULL }
};
