/* base/ngx_aigc_cookie.h: reading, cutting and writing cookies. */

#include "unit.h"
#include "base/ngx_aigc_cookie.h"


/* all pairs as "name|value;" one after the other */

static ngx_str_t
pairs(unit_t *u, const char *text)
{
    size_t      pos;
    u_char     *p;
    ngx_str_t   header, name, value, out;

    header = unit_str(u, text);
    out.data = ngx_palloc(u->pool, ngx_strlen(text) * 2 + 8);
    p = out.data;
    pos = 0;

    while (ngx_aigc_cookie_next(&header, &pos, &name, &value) == NGX_OK) {
        p = ngx_sprintf(p, "%V|%V;", &name, &value);
    }

    out.len = p - out.data;

    return out;
}


static void
cookie_pairs(unit_t *u)
{
    ngx_uint_t  i;
    ngx_str_t   got;

    static const char  *cases[][2] = {
        { "", "" },
        { " ", "" },
        { ";", "" },
        { " ; ;; \t", "" },
        { "a=1", "a|1;" },
        { "a=1; b=2", "a|1;b|2;" },
        { "a=1;b=2;", "a|1;b|2;" },
        { "a=1;;b=2", "a|1;b|2;" },
        { "  a = 1 \t;\t b=2  ", "a|1;b|2;" },
        { "a", "a|;" },
        { "a; b=1", "a|;b|1;" },
        { "a=", "a|;" },
        { "a= ; b", "a|;b|;" },
        { "=x", "|x;" },
        { "=", "|;" },
        { "a=b=c==", "a|b=c==;" },
        { "a=\"x; y\"", "a|\"x;y\"|;" },
        { "A=1; a=2", "A|1;a|2;" },
        { "a=1, b=2", "a|1, b=2;" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        got = pairs(u, cases[i][0]);

        if (!is_str(u, &got, cases[i][1])) {
            unit_note("in case %d: %s", (int) i, cases[i][0]);
        }
    }
}


static void
cookie_ours(unit_t *u)
{
    ngx_str_t   session, name, none;
    ngx_uint_t  i;

    static const char  *ours[] = {
        "sess", "aigc-bind", "__Host-aigc-bind", "__Secure-aigc-bind",
        "aigc-session", "__Host-aigc-session", "__Secure-aigc-session",
        "aigc-instance", "__Host-aigc-instance", "__Secure-aigc-instance",
        "aigc-nonce", "__Host-aigc-nonce", "__Secure-aigc-nonce",
        "aigc-login-1",
        "__Host-aigc-login-7", "aigc-login-AZaz09-_AZaz09-_AZaz09",
        "__Host-aigc-login-AZaz09-_AZaz09-_AZaz09",
        "__Secure-aigc-login-AZaz09-_AZaz09-_AZaz09.0",
        "aigc-login-AZaz09-_AZaz09-_AZaz09.12"
    };

    static const char  *theirs[] = {
        "ses", "sess2", "Sess", "", "aigc", "AIGC-bind", "xaigc-bind",
        "aigc_session", "aigc-sessio", "aigc-session2", "AIGC-session",
        "aigc-instances", "aigc-instanc", "xaigc-instance", "aigc-nonce1",
        "aigc-nonc", "__host-aigc-instance", "__Host-__Host-aigc-nonce",
        "__Host-aigc_instance", "__Secure-__Host-aigc-session",
        "__Host-aigc", "__host-aigc-bind", "__Host-x", "__Secure-aigc-x",
        "aigc-", "__Host-aigc-", "__Host-", "aigc-theme", "aigc-bind2",
        "aigc-bin", "aigc-login", "aigc-login-", "aigc-login-x",
        "aigc-login-10", "aigc-login-theme",
        "aigc-login-AZaz09-_AZaz09-_AZaz0",
        "aigc-login-AZaz09-_AZaz09-_AZaz090",
        "aigc-login-AZaz09-_AZaz09-_AZaz0.",
        "aigc-login-AZaz09-_AZaz09-_AZaz09.",
        "aigc-login-AZaz09-_AZaz09-_AZaz09.x",
        "aigc-login-AZaz09-_AZaz09-_AZaz09.1234",
        "aigc-login-AZaz09-_AZaz09-_AZaz09-1"
    };

    session = unit_str(u, "sess");
    ngx_str_null(&none);

    for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        name = unit_str(u, ours[i]);

        if (!is_int(u, ngx_aigc_cookie_ours(&name, &session), NGX_OK)) {
            unit_note("%s", ours[i]);
        }
    }

    for (i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        name = unit_str(u, theirs[i]);

        if (!is_int(u, ngx_aigc_cookie_ours(&name, &session), NGX_DECLINED)) {
            unit_note("%s", theirs[i]);
        }
    }

    name = unit_str(u, "");
    is_int(u, ngx_aigc_cookie_ours(&name, &none), NGX_DECLINED);
}


static void
cookie_narrow(unit_t *u)
{
    ngx_str_t   host, value;
    ngx_uint_t  i;

    static const struct {
        const char  *in;
        const char  *out;
    } cases[] = {
        { "", "" },
        { "a=1", "a=1" },
        { "a=1;", "a=1;" },
        { "a=1; Path=/; Secure", "a=1; Path=/; Secure" },
        { "a=1; Domain=example.com", "a=1" },
        { "a=1; domain=EXAMPLE.com; Path=/", "a=1; Path=/" },
        { "a=1;DOMAIN = .com ;Path=/", "a=1;Path=/" },
        { "a=1; Path=/; Domain=.Example.Com.; Secure", "a=1; Path=/; Secure" },
        { "a=1; Domain=\"example.com\"", "a=1" },
        { "a=1; Domain=example.com; Domain=com; b", "a=1; b" },
        { "a=1; Domain=i7.example.com", "a=1; Domain=i7.example.com" },
        { "a=1; Domain=7.example.com", "a=1; Domain=7.example.com" },
        { "a=1; Domain=x.i7.example.com", "a=1; Domain=x.i7.example.com" },
        { "a=1; Domain=", "a=1; Domain=" },
        { "a=1; Domain", "a=1; Domain" },
        { "a=1; Domain=.", "a=1; Domain=." },
        { "a=1; Domain=elsewhere.org", "a=1; Domain=elsewhere.org" },
        { "a=1; Domains=example.com", "a=1; Domains=example.com" },
        { "Domain=example.com", "Domain=example.com" },
        { "a=\"; Domain=example.com; \"", "a=\"; \"" },
        { ";;Domain=example.com;;", ";;;" }
    };

    host = unit_str(u, "i7.example.com");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = unit_str(u, cases[i].in);
        ngx_aigc_cookie_narrow(&value, &host);

        if (!is_str(u, &value, cases[i].out)) {
            unit_note("in case %d: %s", (int) i, cases[i].in);
        }
    }
}


static void
cookie_strip(unit_t *u)
{
    u_char      c;
    ngx_str_t   session, value;
    ngx_uint_t  i, cut;

    static const struct {
        const char  *in;
        const char  *out;
        ngx_uint_t   cut;
    } cases[] = {
        { "", "", 0 },
        { ";a=1", ";a=1", 0 },
        { " a=1;b=2 ; c", " a=1;b=2 ; c", 0 },
        { ";; a=1;;", ";; a=1;;", 0 },
        { "sess=x", "", 1 },
        { "sess", "", 1 },
        { " sess=x ; ", "", 1 },
        { "sess=x; a=1", "a=1", 1 },
        { "a=1; sess=x", "a=1", 1 },
        { "a=1; sess=x; b=2", "a=1; b=2", 1 },
        { "a=1;sess=x;b=2", "a=1;b=2", 1 },
        { "sess=x; sess=y;sess=z", "", 3 },
        { "aigc-login-1=q; sess=x; __Host-aigc-bind=b; z=9", "z=9", 3 },
        { "sess=x; ; ;", "", 1 },
        { "__Host-aigc-session=a; a=1; __Host-aigc-instance=b;"
          " __Host-aigc-nonce=c", "a=1", 3 },
        { "a=1; aigc-session=a; aigc-instance=b; aigc-nonce=c; b=2",
          "a=1; b=2", 3 },
        { "session=x; sess=y", "session=x", 1 },
        { "a=\"; sess=x; \"", "a=\"; \"", 1 },
        { "a=sess=x", "a=sess=x", 0 },
        { "a=1; sess =x", "a=1", 1 },
        { "sess=x;  a=1;  b=2", "a=1;  b=2", 1 }
    };

    session = unit_str(u, "sess");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = unit_str(u, cases[i].in);
        cut = ngx_aigc_cookie_strip(&value, &session);

        if (!is_int(u, cut, cases[i].cut)
            || !is_str(u, &value, cases[i].out))
        {
            unit_note("in case %d: %s", (int) i, cases[i].in);
        }
    }

    /* any byte around a name: the session's value never stays */

    for (i = 0; i < 256; i++) {
        c = (u_char) i;

        value = unit_bytes(u, "x=1;?sess?=secret; y=2", 22);
        value.data[4] = c;
        value.data[9] = ' ';

        (void) ngx_aigc_cookie_strip(&value, &session);

        /* a byte that makes it another name, to a server too */

        if (c == ' ' || c == '\t' || c == ';') {
            is_str(u, &value, c == ';' ? "x=1;; y=2" : "x=1; y=2");

        } else {
            is_int(u, value.len, 22);
        }
    }
}


static void
cookie_build(unit_t *u)
{
    u_char      c;
    ngx_str_t   name, value, domain, none, out;
    ngx_uint_t  i, bad;

    name = unit_str(u, "sess");
    value = unit_str(u, "abc-_");
    domain = unit_str(u, "example.com");
    ngx_str_null(&none);

    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &domain, 1, 60,
                                    &out), NGX_OK);
    is_str(u, &out, "sess=abc-_; Domain=example.com; Path=/; Max-Age=60"
                    "; HttpOnly; Secure; SameSite=Lax");

    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 0, -1,
                                    &out), NGX_OK);
    is_str(u, &out, "sess=abc-_; Path=/; HttpOnly; SameSite=Lax");

    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &none, &domain, 1, 0,
                                    &out), NGX_OK);
    is_str(u, &out, "sess=; Domain=example.com; Path=/; Max-Age=0"
                    "; HttpOnly; Secure; SameSite=Lax");

    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 1,
                                    NGX_MAX_INT_T_VALUE, &out), NGX_OK);

    /* no name, or one that ends the name */

    is_int(u, ngx_aigc_cookie_build(u->pool, &none, &value, &none, 1, 0,
                                    &out), NGX_ERROR);
    name = unit_str(u, "a=b");
    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 1, 0,
                                    &out), NGX_ERROR);

    /* a prefix that the attributes do not fit */

    name = unit_str(u, "__Host-aigc-bind");
    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 1, 0,
                                    &out), NGX_OK);
    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 0, 0,
                                    &out), NGX_ERROR);
    is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &domain, 1, 0,
                                    &out), NGX_ERROR);

    /* every byte in every place */

    for (i = 0; i < 256; i++) {
        c = (u_char) i;
        bad = c <= ' ' || c >= 0x7f || c == ';' || c == ',' || c == '"'
              || c == '\\';

        name = unit_str(u, "n");
        value = unit_bytes(u, &c, 1);

        is_int(u, ngx_aigc_cookie_build(u->pool, &name, &value, &none, 1, 0,
                                        &out), bad ? NGX_ERROR : NGX_OK);
        is_int(u, ngx_aigc_cookie_build(u->pool, &name, &none, &value, 1, 0,
                                        &out), bad ? NGX_ERROR : NGX_OK);
    }
}


unit_test_t  cookie_tests[] = {
    { "a header is cut into its pairs", cookie_pairs },
    { "the gateway knows its own names, and no other", cookie_ours },
    { "a cookie is its host's alone", cookie_narrow },
    { "its pairs are cut out, the others stay as they were", cookie_strip },
    { "Set-Cookie says what it has to, and nothing else", cookie_build },
    { NULL, NULL }
};
