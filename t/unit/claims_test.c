/* oidc/ngx_aigc_claims.h: paths to claims, and what stands there. */

#include "jose.h"
#include "oidc/ngx_aigc_jwt.h"


#define HEADER  "{\"alg\":\"RS256\"}"


static ngx_int_t
path(unit_t *u, const char *text, ngx_aigc_claim_path_t *p)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    return ngx_aigc_claim_path(u->pool, &s, p);
}


static void
claims_paths(unit_t *u)
{
    u_char                 *long_text;
    ngx_str_t               s;
    ngx_uint_t              i;
    ngx_aigc_claim_path_t   p;

    static const struct {
        const char  *text;
        ngx_uint_t   n;
        const char  *first;
        const char  *last;
    } good[] = {
        { "roles", 1, "roles", "roles" },
        { "realm_access.roles", 2, "realm_access", "roles" },
        { "resource_access.my\\.client.roles", 3, "resource_access", "roles" },
        { "https://example\\.com/roles", 1, "https://example.com/roles",
          "https://example.com/roles" },
        { "a\\\\.b", 2, "a\\", "b" },
        { "\\.", 1, ".", "." },
        { "a.b.c.d.e.f.g.h", 8, "a", "h" }
    };

    static const char  *bad[] = {
        "", ".", ".a", "a.", "a..b", "a\\", "a\\b", "a\nb", "\x7f",
        "a.b.c.d.e.f.g.h.i"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (is_int(u, path(u, good[i].text, &p), NGX_OK)
            && is_int(u, p.n, good[i].n))
        {
            ok(u, ngx_strcmp(p.names[0], good[i].first) == 0);
            ok(u, ngx_strcmp(p.names[p.n - 1], good[i].last) == 0);
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(u, path(u, bad[i], &p), NGX_DECLINED);
    }

    long_text = ngx_pnalloc(u->pool, NGX_AIGC_CLAIM_MAX + 1);
    ngx_memset(long_text, 'x', NGX_AIGC_CLAIM_MAX + 1);

    s.data = long_text;
    s.len = NGX_AIGC_CLAIM_MAX;
    is_int(u, ngx_aigc_claim_path(u->pool, &s, &p), NGX_OK);
    is_int(u, ngx_strlen(p.names[0]), NGX_AIGC_CLAIM_MAX);

    s.len++;
    is_int(u, ngx_aigc_claim_path(u->pool, &s, &p), NGX_DECLINED);
}


static void
claims_read(unit_t *u)
{
    ngx_str_t           token, *role;
    ngx_uint_t          i;
    ngx_aigc_jwt_t      jwt;
    ngx_aigc_claims_t   claims;

    static const struct {
        const char  *payload;
        ngx_uint_t   claim;
        ngx_uint_t   n;
        const char  *role;
        const char  *name;
    } cases[] = {
        { "{\"realm_access\":{\"roles\":[\"a\",\"b\"]},\"name\":\"N\","
          "\"preferred_username\":\"p\"}", 1, 2, "a", "N" },
        { "{\"realm_access\":{\"roles\":[]},\"preferred_username\":\"p\"}",
          1, 0, NULL, "p" },
        { "{\"realm_access\":{\"roles\":\"one\"},\"name\":\"\"}", 1, 1, "one",
          "" },
        { "{\"realm_access\":{\"roles\":[7,null,\"a\",[\"b\"]]},"
          "\"name\":null,\"preferred_username\":\"p\"}", 1, 1, "a", "p" },
        { "{\"realm_access\":{\"roles\":{\"a\":1}},\"name\":[\"N\"]}", 0, 0,
          NULL, "" },
        { "{\"realm_access\":[\"roles\"],\"roles\":[\"a\"]}", 0, 0, NULL,
          "" },
        { "{\"realm_access\":\"roles\",\"roles\":7}", 0, 0, NULL, "" },
        { "{\"realm_access.roles\":[\"a\"]}", 0, 0, NULL, "" },
        { "{}", 0, 0, NULL, "" }
    };

    ngx_memzero(&claims, sizeof(ngx_aigc_claims_t));

    is_int(u, path(u, "realm_access.roles", &claims.roles), NGX_OK);
    is_int(u, path(u, "name", &claims.name), NGX_OK);
    is_int(u, path(u, "preferred_username", &claims.name_else), NGX_OK);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        token = jose_token(u, NULL, NULL, HEADER, cases[i].payload);

        if (!is_int(u, ngx_aigc_jwt_read(u->pool, &token, &claims, &jwt),
                    NGX_OK))
        {
            continue;
        }

        is_int(u, jwt.roles_claim, cases[i].claim);
        is_str(u, &jwt.name, cases[i].name);

        if (is_int(u, jwt.roles.nelts, cases[i].n) && cases[i].n) {
            role = jwt.roles.elts;
            is_str(u, &role[0], cases[i].role);
        }
    }

    /* what an access token says of itself, in either vocabulary */

    token = jose_token(u, NULL, NULL, HEADER,
                       "{\"scp\":\"aigc\",\"azp\":\"cli\"}");
    is_int(u, ngx_aigc_jwt_read(u->pool, &token, &claims, &jwt), NGX_OK);
    is_str(u, &jwt.scope, "aigc");
    is_str(u, &jwt.azp, "cli");

    token = jose_token(u, NULL, NULL, HEADER,
                       "{\"scope\":\"a b\",\"scp\":\"aigc\",\"azp\":[]}");
    is_int(u, ngx_aigc_jwt_read(u->pool, &token, &claims, &jwt), NGX_OK);
    is_str(u, &jwt.scope, "a b");
    is_int(u, jwt.azp.len, 0);
}


unit_test_t  claims_tests[] = {
    { "paths", claims_paths },
    { "read", claims_read },
    { NULL, NULL }
};
