/* The suites, one a line: UNIT(x) is unit_test_t x_tests[] in x_test.c. */

UNIT(runner)
UNIT(cookie)
UNIT(url)
UNIT(seal)
UNIT(session)
UNIT(jwt)
UNIT(jwks)
UNIT(ids)
UNIT(host)
UNIT(claim)
