/*
 * instances/ngx_aigc_objects.h: what a Kubernetes error says.  The bodies are those
 * of kube-apiserver 1.34.4.
 */

#include "unit.h"
#include "instances/ngx_aigc_objects.h"


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
        ngx_uint_t   test_failed;
    } cases[] = {
        { 422, TEST_FAILED, "Invalid", "the server rejected our request due "
          "to an error in our request", 1 },
        { 422, NOT_VALID, "Invalid", "GameServerSet.game.kruise.io \"sd\" is "
          "invalid: spec.replicas: Invalid value: -1: spec.replicas in body "
          "should be greater than or equal to 0", 0 },
        { 422, TOO_LONG, "Invalid", "GameServerSet.game.kruise.io \"sd\" is "
          "invalid: metadata.annotations: Too long: may not be more than "
          "262144 bytes", 0 },
        { 409, CONFLICT, "Conflict", "Operation cannot be fulfilled on "
          "gameserversets.game.kruise.io \"sd\": the object has been "
          "modified; please apply your changes to the latest version and try "
          "again", 0 },
        { 404, NOT_FOUND, "NotFound",
          "gameserversets.game.kruise.io \"none\" not found", 0 },
        { 403, FORBIDDEN, "Forbidden", "gameserversets.game.kruise.io \"sd\" "
          "is forbidden: User \"bob\" cannot patch resource "
          "\"gameserversets\" in API group \"game.kruise.io\" in the "
          "namespace \"default\"", 0 },
        { 401, UNAUTHORIZED, "Unauthorized", "Unauthorized", 0 },
        { 400, BAD_REQUEST, "BadRequest",
          "error decoding patch: unexpected end of JSON input", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = unit_str(u, cases[i].body);

        is_int(u, ngx_aigc_status_read(u->pool, cases[i].http, &body, &status),
               NGX_OK);

        is_int(u, status.code, cases[i].http);
        is_str(u, &status.reason, cases[i].reason);
        is_str(u, &status.message, cases[i].message);
        is_int(u, status.test_failed, cases[i].test_failed);
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
        ngx_uint_t   test_failed;
    } cases[] = {
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"testing value /metadata/uid failed: test failed\"}", 1 },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"Testing path /metadata/x failed\",\"details\":{}}", 1 },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"testing value /x failed\",\"details\":{\"causes\":[]}}", 0 },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\",\"message\":"
               "\"admission webhook \\\"v.kb.io\\\" denied the request\"}",
          0 },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Invalid\"}", 0 },
        { 422, "{\"kind\":\"Status\",\"message\":\"testing value x\"}", 0 },
        { 422, "{\"kind\":\"Status\",\"reason\":\"Conflict\",\"message\":"
               "\"testing value x\"}", 0 },
        { 409, TEST_FAILED, 0 },
        { 200, TEST_FAILED, 0 },
        { 500, TEST_FAILED, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        body = unit_str(u, cases[i].body);

        is_int(u, ngx_aigc_status_read(u->pool, cases[i].http, &body, &status),
               NGX_OK);

        if (!is_int(u, status.test_failed, cases[i].test_failed)) {
            unit_note("%s", cases[i].body);
        }

        is_int(u, status.code, cases[i].http);
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

        is_int(u, ngx_aigc_status_read(u->pool, 502, &body, &status), NGX_OK);
        is_int(u, status.code, 502);
        is_int(u, status.reason.len, 0);

        if (!is_int(u, status.message.len, 0)) {
            unit_note("%s", bodies[i]);
        }

        is_int(u, status.test_failed, 0);
    }

    /* every half of a real body */

    for (i = 0; i < sizeof(NOT_VALID) - 1; i++) {
        body = unit_bytes(u, NOT_VALID, i);

        is_int(u, ngx_aigc_status_read(u->pool, 422, &body, &status), NGX_OK);
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

        is_int(u, ngx_aigc_status_read(u->pool, 403, &body, &status), NGX_OK);
        is_int(u, status.message.len, size <= 16384 ? 256 : 0);

        if (status.message.len) {
            ok(u, ngx_memcmp(status.message.data, "a bccc", 6) == 0);
        }
    }
}


unit_test_t  status_tests[] = {
    { "the real bodies", status_real },
    { "which 422 is a failed test", status_test_failed },
    { "what is no Status says nothing", status_other },
    { "bounds", status_bounds },
    { NULL, NULL }
};
