/*
 * t/bench/verify.c — what OpenSSL alone takes to verify the signatures of
 * tokens, with a key that was parsed once.
 *
 *   verify KEY.pem TOKENS ALG      ALG: ES256, ES384 or RS256
 *
 * TOKENS holds a token a line.  Digests and signatures are decoded before the
 * clock starts; an ECDSA signature's two numbers are DER by then, which a
 * gateway has yet to make of them.  Prints requests=N cpu=NS.
 */

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define TOKENS_MAX  100000


typedef struct {
    char           *text;
    size_t          signed_len;         /* of "header.claims" */
    unsigned char  *signature;
    size_t          len;
} token_t;


static token_t  tokens[TOKENS_MAX];


static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "verify: %s\n", what);
    exit(1);
}


static size_t
base64url(const char *in, unsigned char *out)
{
    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789-_";
    int            bits = 0;
    size_t         n = 0;
    uint32_t       value = 0;
    const char    *p;

    for (; *in; in++) {
        p = strchr(alphabet, *in);
        if (p == NULL) {
            die("a signature that is not base64url");
        }

        value = value << 6 | (uint32_t) (p - alphabet);
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            out[n++] = value >> bits & 0xff;
        }
    }

    return n;
}


static void
to_der(token_t *t)
{
    size_t          half = t->len / 2;
    unsigned char  *raw = t->signature;
    ECDSA_SIG      *sig = ECDSA_SIG_new();

    if (sig == NULL
        || !ECDSA_SIG_set0(sig, BN_bin2bn(raw, half, NULL),
                           BN_bin2bn(raw + half, half, NULL)))
    {
        die("ECDSA_SIG");
    }

    t->signature = NULL;
    t->len = i2d_ECDSA_SIG(sig, &t->signature);

    ECDSA_SIG_free(sig);
    free(raw);
}


static size_t
read_tokens(const char *name, int ecdsa)
{
    char     line[8192], *dot;
    FILE    *f = fopen(name, "r");
    size_t   n = 0;
    token_t *t;

    if (f == NULL) {
        die("no file of tokens");
    }

    while (n < TOKENS_MAX && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';

        t = &tokens[n++];
        t->text = strdup(line);
        dot = strrchr(t->text, '.');
        t->signature = malloc(sizeof(line));

        if (dot == NULL || t->signature == NULL) {
            die("not a token");
        }

        t->signed_len = dot - t->text;
        t->len = base64url(dot + 1, t->signature);

        if (ecdsa) {
            to_der(t);
        }
    }

    fclose(f);
    return n;
}


static void
verify(EVP_PKEY *key, const EVP_MD *md, token_t *t)
{
    EVP_MD_CTX  *ctx = EVP_MD_CTX_new();

    if (ctx == NULL
        || EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) != 1
        || EVP_DigestVerify(ctx, t->signature, t->len,
                            (unsigned char *) t->text, t->signed_len) != 1)
    {
        die("a signature that is wrong");
    }

    EVP_MD_CTX_free(ctx);
}


static uint64_t
cpu(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


int
main(int argc, char **argv)
{
    FILE          *f;
    size_t         i, n;
    uint64_t       begin;
    EVP_PKEY      *key;
    const EVP_MD  *md;

    if (argc != 4) {
        die("KEY.pem TOKENS ALG");
    }

    f = fopen(argv[1], "r");
    key = f ? PEM_read_PUBKEY(f, NULL, NULL, NULL) : NULL;
    if (key == NULL) {
        die("no public key");
    }

    md = strcmp(argv[3] + 2, "384") == 0 ? EVP_sha384() : EVP_sha256();

    n = read_tokens(argv[2], argv[3][0] == 'E');
    if (n == 0) {
        die("no tokens");
    }

    for (i = 0; i < n && i < 10; i++) {         /* warm */
        verify(key, md, &tokens[i]);
    }

    begin = cpu();

    for (i = 0; i < n; i++) {
        verify(key, md, &tokens[i]);
    }

    printf("requests=%zu cpu=%llu\n", n, (unsigned long long) (cpu() - begin));

    return 0;
}
