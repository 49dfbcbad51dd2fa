/*
 * kube/ngx_aigc_write.h: what a Kubernetes error says, and what it means.  The
 * bodies are those of kube-apiserver 1.34.4.
 */

#include "unit.h"
#include "kube/ngx_aigc_write.h"


/* for a "test" of uid, generation, a missing status, null where something is,
   something where nothing is; and for a "remove" of nothing, an unknown op */

#define TEST_FAILED                                                           \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"the server rejected our request due to an error in "    \
    "our request\",\n  \"reason\": \"Invalid\",\n  \"details\": {},\n"        \
    "  \"code\": 422\n}"

/* spec.replicas -1 */

#define NOT_VALID                                                             \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"GameServerSet.game.kruise.io \\\"sd\\\" is invalid: "   \
    "spec.replicas: Invalid value: -1: spec.replicas in body should be "      \
    "greater than or equal to 0\",\n  \"reason\": \"Invalid\",\n"             \
    "  \"details\": {\n    \"name\": \"sd\",\n"                               \
    "    \"group\": \"game.kruise.io\",\n"                                    \
    "    \"kind\": \"GameServerSet\",\n    \"causes\": [\n      {\n"          \
    "        \"reason\": \"FieldValueInvalid\",\n"                            \
    "        \"message\": \"Invalid value: -1: spec.replicas in body should " \
    "be greater than or equal to 0\",\n"                                      \
    "        \"field\": \"spec.replicas\"\n      }\n    ]\n  },\n"            \
    "  \"code\": 422\n}"

/* annotations over 256 KiB (the same cause three times; shortened to one) */

#define TOO_LONG                                                              \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"GameServerSet.game.kruise.io \\\"sd\\\" is invalid: "   \
    "metadata.annotations: Too long: may not be more than 262144 bytes\",\n"  \
    "  \"reason\": \"Invalid\",\n  \"details\": {\n    \"name\": \"sd\",\n"   \
    "    \"group\": \"game.kruise.io\",\n"                                    \
    "    \"kind\": \"GameServerSet\",\n    \"causes\": [\n      {\n"          \
    "        \"reason\": \"FieldValueTooLong\",\n"                            \
    "        \"message\": \"Too long: may not be more than 262144 bytes\",\n" \
    "        \"field\": \"metadata.annotations\"\n      }\n    ]\n  },\n"     \
    "  \"code\": 422\n}"

/* an old metadata.resourceVersion */

#define CONFLICT                                                              \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"Operation cannot be fulfilled on "                      \
    "gameserversets.game.kruise.io \\\"sd\\\": the object has been modified; " \
    "please apply your changes to the latest version and try again\",\n"      \
    "  \"reason\": \"Conflict\",\n  \"details\": {\n    \"name\": \"sd\",\n"  \
    "    \"group\": \"game.kruise.io\",\n"                                    \
    "    \"kind\": \"gameserversets\"\n  },\n  \"code\": 409\n}"

#define NOT_FOUND                                                             \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"gameserversets.game.kruise.io \\\"none\\\" not found\"" \
    ",\n  \"reason\": \"NotFound\",\n  \"details\": {\n"                      \
    "    \"name\": \"none\",\n    \"group\": \"game.kruise.io\",\n"           \
    "    \"kind\": \"gameserversets\"\n  },\n  \"code\": 404\n}"

#define FORBIDDEN                                                             \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"gameserversets.game.kruise.io \\\"sd\\\" is forbidden: " \
    "User \\\"bob\\\" cannot patch resource \\\"gameserversets\\\" in API "   \
    "group \\\"game.kruise.io\\\" in the namespace \\\"default\\\"\",\n"      \
    "  \"reason\": \"Forbidden\",\n  \"details\": {\n    \"name\": \"sd\",\n" \
    "    \"group\": \"game.kruise.io\",\n"                                    \
    "    \"kind\": \"gameserversets\"\n  },\n  \"code\": 403\n}"

#define UNAUTHORIZED                                                          \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"Unauthorized\",\n  \"reason\": \"Unauthorized\",\n"     \
    "  \"code\": 401\n}"

/* half a patch */

#define BAD_REQUEST                                                           \
    "{\n  \"kind\": \"Status\",\n  \"apiVersion\": \"v1\",\n"                 \
    "  \"metadata\": {},\n  \"status\": \"Failure\",\n"                       \
    "  \"message\": \"error decoding patch: unexpected end of JSON input\""   \
    ",\n  \"reason\": \"BadRequest\",\n  \"code\": 400\n}"


static void
status_real(unit_t *u)
{
    ngx_str_t           body;
    ngx_uint_t          i;
    ngx_aigc_status_t   status;

    static const struct {
        ngx_uint_t   http;
        const char  *body, *reason, *message;
        ngx_aigc_verdict_e   verdict;
    } cases[] = {
        { 422, TEST_FAILED, "Invalid", "the server rejected our request due "
          "to an error in our request", NGX_AIGC_WRITE_MOVED },
        { 422, NOT_VALID, "Invalid", "GameServerSet.game.kruise.io \"sd\" is "
          "invalid: spec.replicas: Invalid value: -1: spec.replicas in body "
          "should be greater than or equal to 0", NGX_AIGC_WRITE_REFUSED },
        { 422, TOO_LONG, "Invalid", "GameServerSet.game.kruise.io \"sd\" is "
          "invalid: metadata.annotations: Too long: may not be more than "
          "262144 bytes", NGX_AIGC_WRITE_REFUSED },
        { 409, CONFLICT, "Conflict", "Operation cannot be fulfilled on "
          "gameserversets.game.kruise.io \"sd\": the object has been "
          "modified; please apply your changes to the latest version and try "
          "again", NGX_AIGC_WRITE_MOVED },
        { 404, NOT_FOUND, "NotFound",
          "gameserversets.game.kruise.io \"none\" not found",
          NGX_AIGC_WRITE_GONE },
        { 403, FORBIDDEN, "Forbidden", "gameserversets.game.kruise.io \"sd\" "
          "is forbidden: User \"bob\" cannot patch resource "
          "\"gameserversets\" in API group \"game.kruise.io\" in the "
          "namespace \"default\"", NGX_AIGC_WRITE_REFUSED },
        { 401, UNAUTHORIZED, "Unauthorized", "Unauthorized",
          NGX_AIGC_WRITE_UNSURE },
        { 400, BAD_REQUEST, "BadRequest",
          "error decoding patch: unexpected end of JSON input",
          NGX_AIGC_WRITE_REFUSED }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = unit_str(u, cases[i].body);

        is_int(u, ngx_aigc_verdict(u->pool, cases[i].http, &body, &status),
               cases[i].verdict);

        is_str(u, &status.reason, cases[i].reason);
        is_str(u, &status.message, cases[i].message);

        /* who does not want the words gets the same verdict */

        is_int(u, ngx_aigc_verdict(NULL, cases[i].http, &body, NULL),
               cases[i].verdict);
    }
}


static void
status_test_failed(unit_t *u)
{
    ngx_str_t           body;
    ngx_uint_t          i;
    ngx_aigc_status_t   status;

    static const struct {
        ngx_uint_t   http;
        const char  *body;
        ngx_aigc_verdict_e   verdict;
    } cases[] = {
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"testing value /metadata/uid failed: test failed\"}",
          NGX_AIGC_WRITE_MOVED },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"Testing path /metadata/x failed\",\"details\":{}}",
          NGX_AIGC_WRITE_MOVED },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"testing value /x failed\",\"details\":{\"causes\":[]}}",
          NGX_AIGC_WRITE_REFUSED },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"admission webhook \\\"v.kb.io\\\" denied the request\"}",
          NGX_AIGC_WRITE_REFUSED },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\"}",
          NGX_AIGC_WRITE_REFUSED },
        { 422, "{\"kind\":\"Status\",\"message\":\"testing value x\"}",
          NGX_AIGC_WRITE_REFUSED },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":"
               "\"testing value x\"}",
          NGX_AIGC_WRITE_REFUSED },
        { 409, TEST_FAILED, NGX_AIGC_WRITE_MOVED },
        { 200, TEST_FAILED, NGX_AIGC_WRITE_DONE },
        { 500, TEST_FAILED, NGX_AIGC_WRITE_UNSURE }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = unit_str(u, cases[i].body);

        if (!is_int(u, ngx_aigc_verdict(u->pool, cases[i].http, &body,
                                        &status),
                    cases[i].verdict))
        {
            unit_note("%ui %s", cases[i].http, cases[i].body);
        }
    }
}


static void
status_other(unit_t *u)
{
    ngx_str_t           body;
    ngx_uint_t          i;
    ngx_aigc_status_t   status;

    static const char  *bodies[] = {
        "", "<html><body>502 Bad Gateway</body></html>", "null", "[]", "{}",
        "7", "{\"kind\":\"GameServerSet\",\"reason\":\"x\",\"message\":\"y\"}",
        "{\"kind\":[\"Status\"],\"reason\":\"x\"}",
        "{\"reason\":\"x\",\"message\":\"y\"}",
        "{\"kind\":\"Status\",\"reason\":\"x\",\"message\":\"y",
        "{\"kind\":\"Status\",\"reason\":{},\"message\":[1]}",
        "{\"kind\":\"Status\",\"message\":\"\xff\"}"
    };

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        body = unit_str(u, bodies[i]);

        is_int(u, ngx_aigc_verdict(u->pool, 502, &body, &status),
               NGX_AIGC_WRITE_UNSURE);
        is_int(u, status.reason.len, 0);

        if (!is_int(u, status.message.len, 0)) {
            unit_note("%s", bodies[i]);
        }

        /* it does not prove that the object is not there, nor that it is
           another one */

        is_int(u, ngx_aigc_verdict(NULL, 404, &body, NULL),
               NGX_AIGC_WRITE_REFUSED);
        is_int(u, ngx_aigc_verdict(NULL, 422, &body, NULL),
               NGX_AIGC_WRITE_REFUSED);
    }

    /* every half of a real body */

    for (i = 0; i < sizeof(NOT_VALID) - 1; i++) {
        body = unit_bytes(u, NOT_VALID, i);

        is_int(u, ngx_aigc_verdict(u->pool, 422, &body, &status),
               NGX_AIGC_WRITE_REFUSED);
        is_int(u, status.message.len, 0);
    }
}


static void
status_bounds(unit_t *u)
{
    u_char             *p;
    ngx_str_t           body;
    ngx_uint_t          size;
    ngx_aigc_status_t   status;

    static const char  head[] = "{\"kind\":\"Status\",\"message\":\"a\\nb";

    for (size = 16383; size <= 16385; size++) {
        body.len = size;
        body.data = ngx_pnalloc(u->pool, size);

        ngx_memset(body.data, 'c', size);
        ngx_memcpy(body.data, head, sizeof(head) - 1);
        p = body.data + size - 2;
        *p++ = '"';
        *p = '}';

        is_int(u, ngx_aigc_verdict(u->pool, 403, &body, &status),
               NGX_AIGC_WRITE_REFUSED);
        is_int(u, status.message.len, size <= 16384 ? 256 : 0);

        if (status.message.len) {
            ok(u, ngx_memcmp(status.message.data, "a bccc", 6) == 0);
        }
    }
}


/* Without a body: only the HTTP status counts. */

static void
status_verdicts(unit_t *u)
{
    ngx_str_t            body, html, json;
    ngx_uint_t           http;
    ngx_aigc_verdict_e   verdict, want;

    ngx_str_null(&body);
    html = unit_str(u, "<html>Conflict</html>");
    json = unit_str(u, "{}");

    for (http = 0; http < 600; http++) {

        switch (http) {

        case 200:
        case 201:
        case 202:
            want = NGX_AIGC_WRITE_DONE;
            break;

        case 400:
        case 403:
        case 404:
        case 405:
        case 413:
        case 415:
        case 422:
            want = NGX_AIGC_WRITE_REFUSED;
            break;

        default:
            want = NGX_AIGC_WRITE_UNSURE;
            break;
        }

        verdict = ngx_aigc_verdict(NULL, http, &body, NULL);

        if (!is_int(u, verdict, want)) {
            unit_note("%ui", http);
        }
    }

    is_int(u, ngx_aigc_verdict(NULL, 409, &html, NULL), NGX_AIGC_WRITE_UNSURE);
    is_int(u, ngx_aigc_verdict(NULL, 409, &json, NULL), NGX_AIGC_WRITE_MOVED);
}


unit_test_t  status_tests[] = {
    { "the real bodies", status_real },
    { "which 422 is a failed test", status_test_failed },
    { "what is no Status says nothing", status_other },
    { "bounds", status_bounds },
    { "what an HTTP status alone means", status_verdicts },
    { NULL, NULL }
};
