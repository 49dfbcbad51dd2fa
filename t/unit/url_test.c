/* base/ngx_aigc_url.h: what is let through, and what is not. */

#include "unit.h"
#include "base/ngx_aigc_url.h"


static void
url_good(unit_t *u)
{
    ngx_str_t       text;
    ngx_uint_t      i;
    ngx_aigc_url_t  url;

    static const struct {
        const char  *in, *scheme, *host, *authority, *uri;
        ngx_uint_t   port;
    } cases[] = {
        { "https://a.b", "https", "a.b", "a.b", "/", 443 },
        { "http://a.b", "http", "a.b", "a.b", "/", 80 },
        { "http://a", "http", "a", "a", "/", 80 },
        { "HTTPS://ExAmPlE.Com:8443/Path?Q=1#frag", "https", "example.com",
          "example.com:8443", "/Path?Q=1", 8443 },
        { "https://a.b?x=/y", "https", "a.b", "a.b", "/?x=/y", 443 },
        { "https://a.b#x", "https", "a.b", "a.b", "/", 443 },
        { "https://a.b/#@evil.com", "https", "a.b", "a.b", "/", 443 },
        { "https://a.b./x", "https", "a.b", "a.b.", "/x", 443 },
        { "https://a.b.:1/x", "https", "a.b", "a.b.:1", "/x", 1 },
        { "https://a.b:65535/", "https", "a.b", "a.b:65535", "/", 65535 },
        { "https://a.b/@c:d//e", "https", "a.b", "a.b", "/@c:d//e", 443 },
        { "https://a_b.c-d/%5c%00%0a", "https", "a_b.c-d", "a_b.c-d",
          "/%5c%00%0a", 443 },
        { "http://127.0.0.1:8080/", "http", "127.0.0.1", "127.0.0.1:8080",
          "/", 8080 },
        { "https://a.b?http://c.d", "https", "a.b", "a.b", "/?http://c.d",
          443 },
        { "https://1a.0x.com/", "https", "1a.0x.com", "1a.0x.com", "/", 443 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i].in);

        if (!is_int(u, ngx_aigc_url_parse(u->pool, &text, &url), NGX_OK)
            || !is_str(u, &url.scheme, cases[i].scheme)
            || !is_str(u, &url.host, cases[i].host)
            || !is_str(u, &url.authority, cases[i].authority)
            || !is_str(u, &url.uri, cases[i].uri)
            || !is_int(u, url.port, cases[i].port))
        {
            unit_note("%s", cases[i].in);
        }
    }
}


static void
url_evil(unit_t *u)
{
    u_char          buf[NGX_AIGC_URL_MAX + 1];
    ngx_str_t       text;
    ngx_uint_t      i;
    ngx_aigc_url_t  url;

    static const char  *cases[] = {
        "", "h", "http", "http:", "http:/", "http://", "https://",
        "/", "//evil.com", "/\\evil.com", "\\\\evil.com", "evil.com",
        "javascript:alert(1)", "data:text/html,x", "ftp://a.b", "wss://a.b",
        "httpss://a.b", "https:a.b", "https:/a.b", "https:///a.b",
        "https:////a.b", "https:\\\\a.b", "https:/\\a.b", "https://\\a.b",
        " https://a.b", "https://a.b ", "https://a .b", "\thttps://a.b",
        "ht\ttps://a.b", "https:/\t/a.b", "https://a\n.b", "https://a.b\r/",
        "https://a.b\\@evil.com", "https://a.b/\\evil", "https://a.b/x y",
        "https://a@b.c", "https://a:b@c.d", "https://@a.b", "https://:@a.b",
        "https://a.b:80@evil.com", "https://a%2eb", "https://a%00.b",
        "https://a.b%23@evil.com", "https://a.b%2f.evil.com",
        "https://[::1]", "https://[::1]:80/", "https://[a.b]", "https://::1",
        "https://.a.b", "https://a..b", "https://a.b..", "https://.",
        "https://..", "https://a.b:", "https://a.b:/", "https://:80",
        "https://a.b:0", "https://a.b:00", "https://a.b:080",
        "https://a.b:65536", "https://a.b:99999", "https://a.b:100000",
        "https://a.b:18446744073709551617", "https://a.b:-1",
        "https://a.b:+1", "https://a.b:8x", "https://a.b:80:80",
        "https://?", "https://#", "https://?a.b", "https://#a.b",
        "https://a.b\x7f", "https://\xc3\xa9.com", "https://a.b/\xc3\xa9",
        "https://a\xe3\x80\x82z", "https://a,b", "https://a;b",
        "https://a!b", "https://a*b", "https://a'b", "https://a+b",
        "https://a&b", "https://a=b", "https://a(b)", "https://a|b",
        "https://2130706433", "https://0x7f000001", "https://0x7f.1",
        "https://127.1", "https://0177.0.0.1", "https://127.0.0.256",
        "https://127.0.0.1.1", "https://a.1", "https://1.2.3.0x4",
        "https://a.0x", "https://1..2.3"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i]);

        if (!is_int(u, ngx_aigc_url_parse(u->pool, &text, &url),
                    NGX_DECLINED))
        {
            unit_note("%s", cases[i]);
        }
    }

    text = unit_bytes(u, "https://a.b\0.evil", 17);
    is_int(u, ngx_aigc_url_parse(u->pool, &text, &url), NGX_DECLINED);

    /* the bound, and one byte more */

    ngx_memset(buf, 'x', sizeof(buf));
    ngx_memcpy(buf, "https://a.b/", 12);

    text = unit_bytes(u, buf, NGX_AIGC_URL_MAX);
    is_int(u, ngx_aigc_url_parse(u->pool, &text, &url), NGX_OK);
    is_int(u, url.uri.len, NGX_AIGC_URL_MAX - 11);

    text = unit_bytes(u, buf, NGX_AIGC_URL_MAX + 1);
    is_int(u, ngx_aigc_url_parse(u->pool, &text, &url), NGX_DECLINED);
}


/* which bytes a host may hold: each is tried in the middle of one */

static void
url_bytes(unit_t *u)
{
    u_char          c;
    ngx_str_t       text, out;
    ngx_uint_t      i, good;
    ngx_aigc_url_t  url;

    for (i = 0; i < 256; i++) {
        c = (u_char) i;
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

        text = unit_str(u, "a?b.c");
        text.data[1] = c;

        if (!is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out),
                    good ? NGX_OK : NGX_DECLINED))
        {
            unit_note("byte %d", (int) i);
        }

        /* where the URL's host ends, the rest is a path: never another host */

        text = unit_str(u, "https://a?b.c");
        text.data[9] = c;

        if (ngx_aigc_url_parse(u->pool, &text, &url) == NGX_OK) {
            ok(u, good || c == '/' || c == '?' || c == '#');
            ok(u, good || (url.host.len == 1 && url.host.data[0] == 'a'));

        } else {
            ok(u, !good && c != '/' && c != '?' && c != '#');
        }
    }
}


static void
url_host(unit_t *u)
{
    u_char      buf[300];
    ngx_int_t   rc;
    ngx_str_t   text, out;
    ngx_uint_t  i;

    static const char  *cases[][2] = {
        { "Example.COM", "example.com" },
        { "example.com.", "example.com" },
        { "example.com:443", "example.com" },
        { "EXAMPLE.com.:8443", "example.com" },
        { "instances7-cpu.example.com", "instances7-cpu.example.com" },
        { "a_b", "a_b" },
        { "10.0.0.1", "10.0.0.1" },
        { "", NULL }, { ".", NULL }, { "..", NULL }, { ":80", NULL },
        { "a:", NULL }, { "a:x", NULL }, { "a:0", NULL }, { "a:1:2", NULL },
        { "a..b", NULL }, { ".a", NULL }, { "a..", NULL }, { "[::1]", NULL },
        { "a/b", NULL }, { "a b", NULL }, { "a@b", NULL }, { "*.a", NULL },
        { "0x7f.1", NULL }, { "1.2.3", NULL }, { "01.2.3.4", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = unit_str(u, cases[i][0]);
        rc = ngx_aigc_host_normalize(u->pool, &text, &out);

        if (!is_int(u, rc, cases[i][1] ? NGX_OK : NGX_DECLINED)
            || !is_str(u, &out, cases[i][1] ? cases[i][1] : ""))
        {
            unit_note("%s", cases[i][0]);
        }
    }

    /* 63 bytes a label, 253 in all; a dot and a port more do not count */

    for (i = 0; i < sizeof(buf); i++) {
        buf[i] = (i % 64 == 63) ? '.' : 'a';
    }

    text = unit_bytes(u, buf, 253);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_OK);

    text = unit_bytes(u, buf, 254);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_DECLINED);

    buf[253] = '.';
    ngx_memcpy(buf + 254, ":65535", 6);
    text = unit_bytes(u, buf, 260);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_OK);
    is_int(u, out.len, 253);

    ngx_memset(buf, 'a', sizeof(buf));

    text = unit_bytes(u, buf, 63);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_OK);

    text = unit_bytes(u, buf, 64);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_DECLINED);

    buf[64] = '.';
    text = unit_bytes(u, buf, 66);
    is_int(u, ngx_aigc_host_normalize(u->pool, &text, &out), NGX_DECLINED);
}


static void
url_within(unit_t *u)
{
    ngx_str_t   host, domain;
    ngx_uint_t  i;

    static const struct {
        const char  *host, *domain;
        ngx_int_t    rc;
    } cases[] = {
        { "example.com", "example.com", NGX_OK },
        { "a.example.com", "example.com", NGX_OK },
        { "a.b.example.com", "example.com", NGX_OK },
        { "evilexample.com", "example.com", NGX_DECLINED },
        { "example.com.evil.com", "example.com", NGX_DECLINED },
        { "example.co", "example.com", NGX_DECLINED },
        { "example.org", "example.com", NGX_DECLINED },
        { "a.example.org", "example.com", NGX_DECLINED },
        { "a.b", "c", NGX_DECLINED },
        { ".example.com", "example.com", NGX_DECLINED },
        { "com", "example.com", NGX_DECLINED },
        { "", "example.com", NGX_DECLINED },
        { "example.com", "", NGX_DECLINED },
        { "", "", NGX_DECLINED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        host = unit_str(u, cases[i].host);
        domain = unit_str(u, cases[i].domain);

        if (!is_int(u, ngx_aigc_host_within(&host, &domain), cases[i].rc)) {
            unit_note("%s in %s", cases[i].host, cases[i].domain);
        }
    }
}


static void
url_escapes(unit_t *u)
{
    u_char      all[256];
    ngx_str_t   text, out, back;
    ngx_uint_t  i;

    static const char  *bad[] = {
        "%", "%2", "a%", "%zz", "%2z", "%z2", "%00", "a%00b", "%%", "%-1"
    };

    for (i = 0; i < 255; i++) {
        all[i] = (u_char) (i + 1);
    }

    text = unit_bytes(u, all, 255);

    is_int(u, ngx_aigc_url_encode(u->pool, &text, &out), NGX_OK);
    is_int(u, ngx_aigc_url_decode(u->pool, &out, &back), NGX_OK);
    ok(u, back.len == 255 && ngx_memcmp(back.data, all, 255) == 0);
    is_int(u, out.len, 66 + (255 - 66) * 3);

    text = unit_str(u, "a b+c&d=e/~%");
    is_int(u, ngx_aigc_url_encode(u->pool, &text, &out), NGX_OK);
    is_str(u, &out, "a%20b%2Bc%26d%3De%2F~%25");

    text = unit_str(u, "a+b%2b%2F%e4");
    is_int(u, ngx_aigc_url_decode(u->pool, &text, &out), NGX_OK);
    is_str(u, &out, "a+b+/\xe4");

    text = unit_str(u, "");
    is_int(u, ngx_aigc_url_decode(u->pool, &text, &out), NGX_OK);
    is_int(u, out.len, 0);
    is_int(u, ngx_aigc_url_encode(u->pool, &text, &out), NGX_OK);
    is_int(u, out.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = unit_str(u, bad[i]);

        if (!is_int(u, ngx_aigc_url_decode(u->pool, &text, &out),
                    NGX_DECLINED))
        {
            unit_note("%s", bad[i]);
        }
    }

    /* what stands behind the text is not read */

    text = unit_bytes(u, "%41", 3);
    text.len = 1;
    is_int(u, ngx_aigc_url_decode(u->pool, &text, &out), NGX_DECLINED);
    text.len = 2;
    is_int(u, ngx_aigc_url_decode(u->pool, &text, &out), NGX_DECLINED);

    text = unit_bytes(u, "a\0b", 3);
    is_int(u, ngx_aigc_url_decode(u->pool, &text, &out), NGX_DECLINED);
}


static void
url_query(unit_t *u)
{
    ngx_int_t   rc;
    ngx_str_t   query, value;
    ngx_uint_t  i;

    static const char  *cases[][2] = {
        { "rd=1", "1" }, { "a=2&rd=1", "1" }, { "rd=1&rd=2", "1" },
        { "rd", "" }, { "rd=", "" }, { "rd&x", "" }, { "rd==x", "=x" },
        { "rd=%41+b&c", "%41+b" }, { "&&rd=1", "1" }, { "xrd=1&rd=2", "2" },
        { "rdx=1&rd=2", "2" }, { "r=1&rd=2", "2" },
        { "", NULL }, { "r", NULL }, { "rdx=1", NULL }, { "xrd=1", NULL },
        { "RD=1", NULL }, { "r%64=1", NULL }, { "a=rd=1", NULL },
        { "a;rd=1", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        query = unit_str(u, cases[i][0]);
        ngx_str_null(&value);
        rc = ngx_aigc_query_get(&query, "rd", &value);

        if (!is_int(u, rc, cases[i][1] ? NGX_OK : NGX_DECLINED)
            || !is_str(u, &value, cases[i][1] ? cases[i][1] : ""))
        {
            unit_note("%s", cases[i][0]);
        }
    }
}


/* only scheme and authority decide; what follows is kept as it is */

static void
url_split(unit_t *u)
{
    size_t          i;
    u_char         *buf;
    ngx_str_t       text;
    ngx_aigc_url_t  url;

    static const char  *good[][2] = {
        { "https://A.b/x y", "/x y" },
        { "https://A.b/\\x?\\", "/\\x?\\" },
        { "https://A.b/\xe4\xbd\xa0\xff", "/\xe4\xbd\xa0\xff" },
        { "https://A.b/x\r\n", "/x\r\n" },
        { "https://A.b?q \"x", "/?q \"x" },
        { "https://A.b/x#y z", "/x" },
        { "https://A.b#\\", "/" },
        { "https://A.b/ https://evil.com/", "/ https://evil.com/" }
    };

    static const char  *evil[] = {
        "https://a.b\\@evil.com/", "https://a.b \t/", "https:// a.b/",
        "https://\xe2\x93\x90.b/", "https://a.b\\.evil.com/", " https://a.b/",
        "https:\\\\a.b/", "https:/a.b/", "//a.b/", "/x", "", "https://",
        "https://?a.b", "https://#a.b", "https://u@a.b/", "ftp://a.b/"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        text = unit_str(u, good[i][0]);

        if (!is_int(u, ngx_aigc_url_split(u->pool, &text, &url), NGX_OK)
            || !is_str(u, &url.host, "a.b")
            || !is_str(u, &url.uri, good[i][1]))
        {
            unit_note("%s", good[i][0]);
        }
    }

    for (i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
        text = unit_str(u, evil[i]);

        if (!is_int(u, ngx_aigc_url_split(u->pool, &text, &url),
                    NGX_DECLINED))
        {
            unit_note("%s", evil[i]);
        }
    }

    buf = ngx_palloc(u->pool, 100000);
    ngx_memset(buf, '\\', 100000);
    ngx_memcpy(buf, "https://a.b/", 12);
    text = unit_bytes(u, buf, 100000);
    is_int(u, ngx_aigc_url_split(u->pool, &text, &url), NGX_OK);
    is_int(u, url.uri.len, 100000 - 11);

    /* an authority without an end is none */

    ngx_memset(buf, 'a', 100000);
    ngx_memcpy(buf, "https://", 8);
    text = unit_bytes(u, buf, 100000);
    is_int(u, ngx_aigc_url_split(u->pool, &text, &url), NGX_DECLINED);
}


static void
url_little(unit_t *u)
{
    u_char      all[255];
    ngx_str_t   text, out, back;
    ngx_uint_t  i;

    text = unit_str(u, "https://a.b/x?y=1&z=%20+#q");
    is_int(u, ngx_aigc_url_encode_little(u->pool, &text, &out), NGX_OK);
    is_str(u, &out, "https://a.b/x?y=1%26z=%2520%2B%23q");

    for (i = 0; i < sizeof(all); i++) {
        all[i] = (u_char) (i + 1);
    }

    text = unit_bytes(u, all, sizeof(all));
    is_int(u, ngx_aigc_url_encode_little(u->pool, &text, &out), NGX_OK);
    is_int(u, ngx_aigc_url_decode(u->pool, &out, &back), NGX_OK);
    is_int(u, back.len, sizeof(all));
    ok(u, ngx_memcmp(back.data, all, sizeof(all)) == 0);
}


unit_test_t  url_tests[] = {
    { "a URL is taken apart", url_good },
    { "what browsers read in different ways is refused", url_evil },
    { "no byte makes another host of one", url_bytes },
    { "hosts are made alike", url_host },
    { "a domain holds itself and what is under it", url_within },
    { "percent-encoding goes there and back", url_escapes },
    { "of a browser's URL the host alone decides", url_split },
    { "escaping a little goes there and back", url_little },
    { "the first argument of that name is found", url_query },
    { NULL, NULL }
};
