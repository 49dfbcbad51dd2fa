/* The targets, one a line: FUZZ(x) is x_fuzz() in x_fuzz.c. */

FUZZ(base64url)
FUZZ(url)
FUZZ(cookie)
FUZZ(scan)
FUZZ(jwt)
