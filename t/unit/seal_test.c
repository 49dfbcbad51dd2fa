/* oidc/ngx_aigc_seal.h, ngx_aigc_session.h, ngx_aigc_base64url.h. */

#include "unit.h"
#include "base/ngx_aigc_base64url.h"
#include "oidc/ngx_aigc_session.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <sys/stat.h>


#define KEY_A  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B  "FFfefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0"


/* a key file with that text and mode; its path is relative to -p */

static ngx_int_t
load(unit_t *u, const char *text, size_t len, mode_t mode,
    ngx_aigc_seal_keys_t *keys, ngx_str_t *err)
{
    FILE       *f;
    char        name[NGX_MAX_PATH];
    size_t      n;
    ngx_int_t   rc;
    ngx_str_t   path;

    (void) snprintf(name, sizeof(name), "%s/seal-test.key", getenv("TMPDIR"));
    (void) unlink(name);

    f = fopen(name, "w");
    if (!ok(u, f != NULL)) {
        return NGX_ERROR;
    }

    n = fwrite(text, 1, len, f);
    ok(u, fclose(f) == 0 && n == len);
    ok(u, chmod(name, mode) == 0);

    path = unit_str(u, name);
    rc = ngx_aigc_seal_keys_load(u->pool, &path, keys, err);

    (void) unlink(name);

    return rc;
}


static void
keys_of(unit_t *u, const char *text, ngx_aigc_seal_keys_t *keys)
{
    ngx_str_t  err;

    ngx_str_set(&err, "");

    if (!is_int(u, load(u, text, ngx_strlen(text), 0600, keys, &err), NGX_OK))
    {
        unit_note("%.*s", (int) err.len, err.data);
    }
}


/* as version 1.0 made it: HMAC-SHA256(key, purpose, a NUL, value) */

static ngx_str_t
mac_of(unit_t *u, ngx_aigc_seal_keys_t *keys, const char *purpose,
    const char *value)
{
    u_char        digest[32], *text;
    size_t        n;
    ngx_str_t     bytes, out;
    unsigned int  len;

    n = ngx_strlen(purpose) + 1;
    text = ngx_palloc(u->pool, n + ngx_strlen(value) + 1);
    ngx_memcpy(text, purpose, n);
    ngx_memcpy(text + n, value, ngx_strlen(value));

    ngx_str_null(&out);
    len = 0;

    ok(u, HMAC(EVP_sha256(), keys->hmac[0], sizeof(keys->hmac[0]), text,
               n + ngx_strlen(value), digest, &len) != NULL);
    is_int(u, len, sizeof(digest));

    bytes = unit_bytes(u, digest, sizeof(digest));
    is_int(u, ngx_aigc_base64url_encode(u->pool, &bytes, &out), NGX_OK);

    return out;
}


static ngx_uint_t
says(ngx_str_t *err, const char *what)
{
    return ngx_strnstr(err->data, (char *) what, err->len) != NULL;
}


static void
seal_key_file(unit_t *u)
{
    char                   big[4200];
    ngx_str_t              err, path;
    ngx_uint_t             i, others;
    ngx_aigc_seal_keys_t   keys;

    static const struct {
        const char  *text, *says;
    } bad[] = {
        { "", "has no key: make one with openssl rand -hex 32" },
        { "# only this\n\n", "has no key" },
        { KEY_A "\n0123\n",
          "line 2 is not 64 hexadecimal digits: make one with openssl rand "
          "-hex 32" },
        { "g" KEY_A, "line 1 is not 64" },
        { "\n\nx00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
          "1e1f", "line 3 is not 64" },
        { KEY_A " # comment", "line 1 is not 64" },
        { KEY_A KEY_A, "line 1 is not 64" },
        { KEY_A "\n" KEY_B "\n" KEY_A, "line 3 repeats a key" }
    };

    keys_of(u, KEY_A, &keys);
    is_int(u, keys.n, 1);
    is_int(u, keys.key[0][0], 0);
    is_int(u, keys.key[0][31], 0x1f);
    ok(u, ngx_memcmp(keys.key[0], keys.hmac[0], 32) != 0);
    ok(u, ngx_memcmp(keys.key[0], keys.hint[0], 3) != 0);
    ok(u, ngx_memcmp(keys.hmac[0], keys.hint[0], 3) != 0);

    keys_of(u, "# new\n\n" KEY_B " \r\n#old\n" KEY_A "\n", &keys);
    is_int(u, keys.n, 2);
    is_int(u, keys.key[0][0], 0xff);
    is_int(u, keys.key[1][1], 1);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(u, load(u, bad[i].text, ngx_strlen(bad[i].text), 0600, &keys,
                       &err), NGX_ERROR);
        is_int(u, keys.n, 0);

        if (!ok(u, says(&err, bad[i].says))) {
            unit_note("%.*s", (int) err.len, err.data);
        }

        /* not a byte of a key is told */

        ok(u, !says(&err, "000102") && !says(&err, "0123"));
    }

    /* nine keys; more than 4 KiB; a NUL */

    for (i = 0; i < 9; i++) {
        (void) snprintf(big + i * 65, 66, "%064d\n", (int) i);
    }

    is_int(u, load(u, big, 8 * 65, 0600, &keys, &err), NGX_OK);
    is_int(u, keys.n, 8);
    is_int(u, load(u, big, 9 * 65, 0600, &keys, &err), NGX_ERROR);
    ok(u, says(&err, "line 9 is one key too many"));

    ngx_memset(big, '\n', sizeof(big));
    ngx_memcpy(big, KEY_A, 64);
    is_int(u, load(u, big, 4096, 0600, &keys, &err), NGX_OK);
    is_int(u, load(u, big, 4097, 0600, &keys, &err), NGX_ERROR);
    ok(u, says(&err, "is larger than 4096 bytes"));

    big[10] = '\0';
    is_int(u, load(u, big, 65, 0600, &keys, &err), NGX_ERROR);

    /* who can read it */

    for (i = 0; i < 0100; i++) {
        others = (i & 037);             /* the group is this process's */

        is_int(u, load(u, KEY_A, 64, 0600 | i, &keys, &err),
               others ? NGX_ERROR : NGX_OK);
        ok(u, !others || says(&err, "is readable by others: chmod 600"));
    }

    is_int(u, load(u, KEY_A, 64, 0400, &keys, &err), NGX_OK);

    path = unit_str(u, "/nowhere/at/all.key");
    is_int(u, ngx_aigc_seal_keys_load(u->pool, &path, &keys, &err),
           NGX_ERROR);
    ok(u, says(&err, "\"/nowhere/at/all.key\" cannot be opened"));
    ok(u, says(&err, "No such file"));

    path = unit_str(u, "/dev/zero");
    is_int(u, ngx_aigc_seal_keys_load(u->pool, &path, &keys, &err),
           NGX_ERROR);
    ok(u, says(&err, "is not a regular file"));

    path = unit_str(u, "");
    is_int(u, ngx_aigc_seal_keys_load(u->pool, &path, &keys, &err),
           NGX_ERROR);
}


static void
seal_there_and_back(unit_t *u)
{
    u_char                 all[1000];
    ngx_str_t              plain, one, two, out;
    ngx_uint_t             i;
    ngx_aigc_seal_keys_t   keys, none;

    keys_of(u, KEY_A "\n" KEY_B, &keys);

    for (i = 0; i < sizeof(all); i++) {
        all[i] = (u_char) (i * 7);
    }

    for (i = 0; i < 100; i++) {
        plain = unit_bytes(u, all, i);

        is_int(u, ngx_aigc_seal(u->pool, &keys, "p", &plain, &one), NGX_OK);
        is_int(u, one.len, ((i + 32) * 4 + 2) / 3);
        is_int(u, ngx_aigc_unseal(u->pool, &keys, "p", &one, &out), NGX_OK);
        ok(u, out.len == i && ngx_memcmp(out.data, all, i) == 0);
    }

    /* the same twice: no nonce twice */

    plain = unit_bytes(u, all, sizeof(all));
    is_int(u, ngx_aigc_seal(u->pool, &keys, "p", &plain, &one), NGX_OK);
    is_int(u, ngx_aigc_seal(u->pool, &keys, "p", &plain, &two), NGX_OK);
    ok(u, ngx_memcmp(one.data, two.data, 5) == 0);      /* version, hint */
    ok(u, ngx_memcmp(one.data + 6, two.data + 6, 16) != 0);
    ok(u, ngx_memcmp(one.data + 24, two.data + 24, 64) != 0);

    ngx_memzero(&none, sizeof(none));
    is_int(u, ngx_aigc_seal(u->pool, &none, "p", &plain, &out), NGX_ERROR);
    is_int(u, ngx_aigc_unseal(u->pool, &none, "p", &one, &out), NGX_DECLINED);

    plain.len = NGX_AIGC_SEAL_MAX / 4 * 3 - NGX_AIGC_SEAL_OVERHEAD;
    plain.data = ngx_pcalloc(u->pool, plain.len + 1);
    is_int(u, ngx_aigc_seal(u->pool, &keys, "p", &plain, &one), NGX_OK);
    is_int(u, one.len, NGX_AIGC_SEAL_MAX);
    is_int(u, ngx_aigc_unseal(u->pool, &keys, "p", &one, &out), NGX_OK);
    plain.len++;
    is_int(u, ngx_aigc_seal(u->pool, &keys, "p", &plain, &one), NGX_ERROR);

    is_int(u, ERR_peek_error(), 0);
}


static void
seal_forgery(unit_t *u)
{
    u_char                 c;
    size_t                 i, bit;
    ngx_str_t              plain, sealed, copy, out, box, text;
    ngx_aigc_seal_keys_t   keys;

    keys_of(u, KEY_A, &keys);

    plain = unit_str(u, "the quick brown fox");
    is_int(u, ngx_aigc_seal(u->pool, &keys, "session", &plain, &sealed),
           NGX_OK);

    is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &sealed, &out),
           NGX_OK);
    is_int(u, ngx_aigc_unseal(u->pool, &keys, "login", &sealed, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_unseal(u->pool, &keys, "sessio", &sealed, &out),
           NGX_DECLINED);
    is_int(u, ngx_aigc_unseal(u->pool, &keys, "", &sealed, &out),
           NGX_DECLINED);

    /* every truncation, from both ends */

    for (i = 0; i < sealed.len; i++) {
        copy = unit_bytes(u, sealed.data, i);
        is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &copy, &out),
               NGX_DECLINED);

        if (i) {
            copy = unit_bytes(u, sealed.data + i, sealed.len - i);
            is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &copy, &out),
                   NGX_DECLINED);
        }
    }

    /* every character another one, also another text of the same bytes */

    for (i = 0; i < sealed.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            copy = unit_bytes(u, sealed.data, sealed.len);
            copy.data[i] ^= 1 << bit;
            is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &copy, &out),
                   NGX_DECLINED);
        }
    }

    /* every bit of what is sealed */

    box.data = ngx_palloc(u->pool, sealed.len);
    is_int(u, ngx_aigc_base64url_decode(&sealed, &box), NGX_OK);

    for (i = 0; i < box.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            c = box.data[i];
            box.data[i] ^= 1 << bit;
            is_int(u, ngx_aigc_base64url_encode(u->pool, &box, &text),
                   NGX_OK);
            is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &text, &out),
                   NGX_DECLINED);
            ok(u, out.len == 0);
            box.data[i] = c;
        }
    }

    /* something behind it */

    copy.len = sealed.len + 4;
    copy.data = ngx_palloc(u->pool, copy.len);
    ngx_memcpy(copy.data, sealed.data, sealed.len);
    ngx_memcpy(copy.data + sealed.len, "AAAA", 4);
    is_int(u, ngx_aigc_unseal(u->pool, &keys, "session", &copy, &out),
           NGX_DECLINED);

    is_int(u, ERR_peek_error(), 0);
}


static void
seal_rotation(unit_t *u)
{
    ngx_str_t              plain, by_a, out, mac;
    ngx_aigc_seal_keys_t   a, b, ba;

    keys_of(u, KEY_A, &a);
    keys_of(u, KEY_B, &b);
    keys_of(u, KEY_B "\n" KEY_A, &ba);

    plain = unit_str(u, "x");

    is_int(u, ngx_aigc_seal(u->pool, &a, "p", &plain, &by_a), NGX_OK);
    is_int(u, ngx_aigc_unseal(u->pool, &ba, "p", &by_a, &out), NGX_OK);
    is_str(u, &out, "x");
    is_int(u, ngx_aigc_unseal(u->pool, &b, "p", &by_a, &out), NGX_DECLINED);

    /* two keys with one hint: both are tried */

    ngx_memcpy(ba.hint[0], ba.hint[1], NGX_AIGC_SEAL_HINT_LEN);
    is_int(u, ngx_aigc_unseal(u->pool, &ba, "p", &by_a, &out), NGX_OK);

    /* the new one seals */

    keys_of(u, KEY_B "\n" KEY_A, &ba);
    is_int(u, ngx_aigc_seal(u->pool, &ba, "p", &plain, &by_a), NGX_OK);
    is_int(u, ngx_aigc_unseal(u->pool, &a, "p", &by_a, &out), NGX_DECLINED);
    is_int(u, ngx_aigc_unseal(u->pool, &b, "p", &by_a, &out), NGX_OK);

    mac = mac_of(u, &a, "p", "x");
    is_int(u, ngx_aigc_mac_check(&ba, "p", &plain, &mac), NGX_OK);
    is_int(u, ngx_aigc_mac_check(&b, "p", &plain, &mac), NGX_DECLINED);
}


static void
seal_mac(unit_t *u)
{
    size_t                 i;
    u_char                 whole[40];
    ngx_str_t              value, mac, copy, empty;
    ngx_aigc_seal_keys_t   keys, none;

    keys_of(u, KEY_A, &keys);

    value = unit_str(u, "sid-1");
    mac = mac_of(u, &keys, "bind", "sid-1");
    is_int(u, mac.len, 43);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &mac), NGX_OK);
    is_int(u, ngx_aigc_mac_check(&keys, "csrf", &value, &mac), NGX_DECLINED);

    /* what is purpose and what is value cannot be moved */

    value = unit_str(u, "dsid-1");
    is_int(u, ngx_aigc_mac_check(&keys, "bin", &value, &mac), NGX_DECLINED);

    value = unit_str(u, "sid-1");

    for (i = 0; i < mac.len; i++) {
        copy = unit_bytes(u, mac.data, mac.len);
        copy.data[i] ^= 1;
        is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &copy),
               NGX_DECLINED);

        copy = unit_bytes(u, mac.data, i);
        is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &copy),
               NGX_DECLINED);
    }

    /* one byte less, just after the whole one */

    copy.data = whole;
    is_int(u, ngx_aigc_base64url_decode(&mac, &copy), NGX_OK);
    copy.len--;
    is_int(u, ngx_aigc_base64url_encode(u->pool, &copy, &empty), NGX_OK);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &mac), NGX_OK);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &empty),
           NGX_DECLINED);

    copy.len = 100000;
    copy.data = ngx_pcalloc(u->pool, copy.len);
    ngx_memset(copy.data, 'A', copy.len);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &copy), NGX_DECLINED);

    ngx_memzero(&none, sizeof(none));
    is_int(u, ngx_aigc_mac_check(&none, "bind", &value, &mac), NGX_DECLINED);

    mac = mac_of(u, &keys, "bind", "");
    ngx_str_null(&empty);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &empty, &mac), NGX_OK);
    is_int(u, ngx_aigc_mac_check(&keys, "bind", &value, &mac), NGX_DECLINED);
}


static void
seal_random_and_digest(unit_t *u)
{
    ngx_str_t  a, b, text;

    is_int(u, ngx_aigc_random(u->pool, 32, &a), NGX_OK);
    is_int(u, ngx_aigc_random(u->pool, 32, &b), NGX_OK);
    is_int(u, a.len, 43);
    ok(u, ngx_memcmp(a.data, b.data, 43) != 0);
    is_int(u, ngx_aigc_random(u->pool, 0, &a), NGX_ERROR);
    is_int(u, ngx_aigc_random(u->pool, 65, &a), NGX_ERROR);

    /* RFC 7636 appendix B */

    text = unit_str(u, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    is_int(u, ngx_aigc_sha256_base64url(u->pool, &text, &a), NGX_OK);
    is_str(u, &a, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}


static void
seal_base64url(unit_t *u)
{
    u_char      buf[16], c;
    ngx_str_t   text, out;
    ngx_uint_t  i, good;

    static const char  *bad[] = {
        "A", "AAAAA", "AA==", "AAA=", "A===", "AB", "A_", "AAB", "AAAAAB",
        "AA A", "AAAA ", " AAAA", "AAAA\n", "AA+A", "AA/A", "AA.A"
    };

    out.data = buf;

    text = unit_str(u, "AP-_");
    is_int(u, ngx_aigc_base64url_decode(&text, &out), NGX_OK);
    is_int(u, out.len, 3);
    ok(u, buf[0] == 0 && buf[1] == 0xff && buf[2] == 0xbf);

    text = unit_str(u, "");
    is_int(u, ngx_aigc_base64url_decode(&text, &out), NGX_OK);
    is_int(u, out.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = unit_str(u, bad[i]);

        if (!is_int(u, ngx_aigc_base64url_decode(&text, &out), NGX_DECLINED))
        {
            unit_note("%s", bad[i]);
        }
    }

    for (i = 0; i < 256; i++) {
        c = (u_char) i;
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || (c >= '0' && c <= '9') || c == '-' || c == '_';

        text = unit_bytes(u, "A?AA", 4);
        text.data[1] = c;
        is_int(u, ngx_aigc_base64url_decode(&text, &out),
               good ? NGX_OK : NGX_DECLINED);
    }
}


static void
seal_base64url_is(unit_t *u)
{
    u_char      c;
    ngx_str_t   text;
    ngx_uint_t  i, good;

    text = unit_str(u, "");
    is_int(u, ngx_aigc_base64url_is(&text), 1);
    text = unit_str(u, "AZaz09-_AZaz09-_AZaz09");
    is_int(u, ngx_aigc_base64url_is(&text), 1);

    for (i = 0; i < 256; i++) {
        c = (u_char) i;
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
               || (c >= '0' && c <= '9') || c == '-' || c == '_';

        text = unit_bytes(u, "A?", 2);
        text.data[1] = c;
        is_int(u, ngx_aigc_base64url_is(&text), good);
        text.data[0] = c;
        text.data[1] = 'A';
        is_int(u, ngx_aigc_base64url_is(&text), good);
    }
}


unit_test_t  seal_tests[] = {
    { "a key file is read, or told what is wrong with it", seal_key_file },
    { "what is sealed opens again", seal_there_and_back },
    { "nothing else opens", seal_forgery },
    { "an old key still opens, the new one seals", seal_rotation },
    { "a MAC holds for its purpose and value", seal_mac },
    { "random values and PKCE", seal_random_and_digest },
    { "base64url has one text for its bytes", seal_base64url },
    { "its alphabet", seal_base64url_is },
    { NULL, NULL }
};
