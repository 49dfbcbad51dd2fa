/* instances/ngx_aigc_host.h: from pattern to host and back. */

#include "unit.h"
#include "instances/ngx_aigc_host.h"
#include "instances/ngx_aigc_ids.h"


static void
host_pattern(unit_t *u)
{
    ngx_str_t    in, out;
    ngx_uint_t   i;
    const char  *why;

    static const struct {
        const char  *in, *out, *why;
    } cases[] = {
        { "instances<id>-cpu.example.com", "instances<id>-cpu.example.com",
          NULL },
        { "Instances<id>.EXAMPLE.com", "instances<id>.example.com", NULL },
        { "<id>.example.com", "<id>.example.com", NULL },
        { "sd.<id>.example.com", "sd.<id>.example.com", NULL },
        { "a<id>", "a<id>", NULL },
        { "", NULL, "is empty" },
        { "x.example.com", NULL, "has no <id>" },
        { "x<ID>.example.com", NULL, "has no <id>" },
        { "x<id.example.com", NULL, "has no <id>" },
        { "<<id>.example.com", NULL, "is not a DNS name" },
        { "<id>-<id>.example.com", NULL,
          "has more than one <id>: OKG expands only the first" },
        { "a<id>..example.com", NULL, "is not a DNS name" },
        { "a<id>.example.com.", NULL, "is not a DNS name" },
        { ".a<id>.example.com", NULL, "is not a DNS name" },
        { "a<id>.example.com:80", NULL, "is not a DNS name" },
        { "*.a<id>.example.com", NULL, "is not a DNS name" },
        { "a_<id>.example.com", NULL, "is not a DNS name" },
        { "-<id>.example.com", NULL, "is not a DNS name" },
        { "<id>-.example.com", NULL, "is not a DNS name" },
        { "a<id>.example-.com", NULL, "is not a DNS name" },
        { "a<id>.example.com-", NULL, "is not a DNS name" },
        { "a <id>.example.com", NULL, "is not a DNS name" },
        { "a<id>.ex\xc3\xa4mple.com", NULL, "is not a DNS name" },
        { "a<id>/x.example.com", NULL, "is not a DNS name" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in = unit_str(u, cases[i].in);
        ngx_str_null(&out);
        why = "";

        if (cases[i].out) {
            is_int(u, ngx_aigc_host_pattern(u->pool, &in, &out, &why), NGX_OK);
            is_str(u, &out, cases[i].out);
            continue;
        }

        is_int(u, ngx_aigc_host_pattern(u->pool, &in, &out, &why),
               NGX_DECLINED);

        if (!ok(u, strcmp(why, cases[i].why) == 0)) {
            unit_note("%s: %s", cases[i].in, why);
        }
    }
}


/* pattern: as many a's as label and name lengths allow, with five digits */

static void
host_lengths(unit_t *u)
{
    u_char       buf[400];
    ngx_str_t    in, out;
    ngx_uint_t   i, label, total;
    const char  *why;

    for (label = 50; label < 70; label++) {

        ngx_memset(buf, 'a', label - 5);
        in.len = ngx_sprintf(buf + label - 5, "<id>.com") - buf;
        in.data = buf;

        is_int(u, ngx_aigc_host_pattern(u->pool, &in, &out, &why),
               label <= 63 ? NGX_OK : NGX_DECLINED);
    }

    for (total = 240; total < 270; total++) {

        in.len = total - 1;             /* "<id>" grows by one */
        in.data = buf;
        ngx_memset(buf, 'a', in.len);
        ngx_memcpy(buf, "<id>.", 5);

        for (i = 50; i + 2 < in.len; i += 50) {
            buf[i] = '.';
        }

        is_int(u, ngx_aigc_host_pattern(u->pool, &in, &out, &why),
               total <= NGX_AIGC_HOST_MAX ? NGX_OK : NGX_DECLINED);

        is_int(u, ngx_aigc_host_expand(u->pool, &in, NGX_AIGC_ID_MAX, &out),
               total <= NGX_AIGC_HOST_MAX ? NGX_OK : NGX_DECLINED);
    }
}


static void
host_there_and_back(unit_t *u)
{
    ngx_int_t   id;
    ngx_str_t   pattern, host, other;
    ngx_uint_t  i;

    static const char  *patterns[] = {
        "instances<id>-cpu.example.com", "<id>.example.com", "a1<id>1b.c",
        "x.<id>", "9<id>"
    };

    for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        pattern = unit_str(u, patterns[i]);

        for (id = 0; id <= NGX_AIGC_ID_MAX; id = id * 3 + 1) {
            is_int(u, ngx_aigc_host_expand(u->pool, &pattern, id, &host),
                   NGX_OK);
            other = unit_bytes(u, host.data, host.len);
            is_int(u, ngx_aigc_host_match(&pattern, &other), id);
        }
    }

    pattern = unit_str(u, "instances<id>-cpu.example.com");

    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, 7, &host), NGX_OK);
    is_str(u, &host, "instances7-cpu.example.com");

    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, -1, &host),
           NGX_DECLINED);
    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, 100000, &host),
           NGX_DECLINED);

    pattern = unit_str(u, "a<id><id>");
    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, 7, &host), NGX_OK);
    is_str(u, &host, "a7<id>");

    pattern = unit_str(u, "example.com");
    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, 7, &host),
           NGX_DECLINED);

    ngx_str_null(&pattern);
    is_int(u, ngx_aigc_host_expand(u->pool, &pattern, 7, &host),
           NGX_DECLINED);
    is_int(u, ngx_aigc_host_match(&pattern, &other), NGX_ERROR);
}


static void
host_no_match(unit_t *u)
{
    ngx_str_t   pattern, host;
    ngx_uint_t  i;

    static const char  *hosts[] = {
        "", "instances", "instances-cpu.example.com",
        "instances01-cpu.example.com", "instances+1-cpu.example.com",
        "instances-1-cpu.example.com", "instances1-cpu.example.com.",
        "instances1-cpu.example.org", "xinstances1-cpu.example.com",
        "instances1-gpu.example.com", "instances1x-cpu.example.com",
        "instances100000-cpu.example.com", "instances1.2-cpu.example.com",
        "instances99999999999999999999-cpu.example.com",
        "instances<id>-cpu.example.com"
    };

    pattern = unit_str(u, "instances<id>-cpu.example.com");

    for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        host = unit_str(u, hosts[i]);

        if (!is_int(u, ngx_aigc_host_match(&pattern, &host), NGX_ERROR)) {
            unit_note("%s", hosts[i]);
        }
    }

    pattern = unit_str(u, "example.com");
    host = unit_str(u, "example.com");
    is_int(u, ngx_aigc_host_match(&pattern, &host), NGX_ERROR);
}


unit_test_t  host_tests[] = {
    { "which patterns are good, and why not", host_pattern },
    { "no id makes a label or a name too long", host_lengths },
    { "an id goes into a host and comes back", host_there_and_back },
    { "other hosts have no id", host_no_match },
    { NULL, NULL }
};
