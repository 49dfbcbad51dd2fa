/*
 * base/ngx_aigc_bounds.h — the most that is taken of what comes from outside:
 * requests, the provider, Logto, Kubernetes, files.
 *
 * With each: its unit, where the number comes from, and what becomes of one
 * more.  t/bounds.t asks a test for each name here.
 */

#ifndef _NGX_AIGC_BOUNDS_H_INCLUDED_
#define _NGX_AIGC_BOUNDS_H_INCLUDED_


/* --- Names and URLs */

/*
 * bytes, RFC 1035; past: no host: 400, 404, or the template is misconfigured
 */
#define NGX_AIGC_HOST_MAX  253

/* bytes between two dots, RFC 1035; past: as a host that is too long */
#define NGX_AIGC_LABEL_MAX  63

/* RFC 793; past: no URL, no port */
#define NGX_AIGC_PORT_MAX  65535

/*
 * bytes of a URL or parameter that is read whole, own choice: browsers take
 * this much in a bar; past: no URL: rd leads to the dashboard, else 400
 */
#define NGX_AIGC_URL_MAX  2048

/*
 * bytes of X-Original-URL, X-Forwarded-Uri, own choice: four times the line
 * that nginx takes by default; past: 400
 */
#define NGX_HTTP_AIGC_ORIGINAL_MAX  16384


/* --- Requests */

/* bytes of a call's JSON body, own choice: the largest has 100; past: 413 */
#define NGX_HTTP_AIGC_BODY_MAX  8192

/*
 * event streams of a user in a worker, own choice: tabs of a browser; past:
 * 429
 */
#define NGX_HTTP_AIGC_EVENTS_USER  16

/*
 * one of so many of a worker's connections may be an event stream, own
 * choice: the others are for requests; past: 503
 */
#define NGX_HTTP_AIGC_EVENTS_SHARE  2

/* operations that wait at one moment, own choice; past: 429 */
#define NGX_AIGC_OPS  1024

/* … of one user, given up ones included, own choice; past: 429 */
#define NGX_AIGC_OPS_OWNER  16

/*
 * operations in one patch, own choice: 100 KB; past: the next patch has them
 */
#define NGX_AIGC_PLAN_MAX  256


/* --- Sessions, sign-ins and tickets */

/* bytes of sealed text: RD_MAX in base64url; past: not opened, not made */
#define NGX_AIGC_SEAL_MAX  12288

/*
 * bytes of a session, a state, a part of a page, own choice: fits a header
 * buffer of 4 KB, browsers take 4096 of a cookie; past: no session; a sign-in
 * whose tokens do not fit is 500
 */
#define NGX_AIGC_SESSION_COOKIE_MAX  3800

/*
 * bytes of a session of an instance's host and of a ticket, own choice: a
 * ticket stands in a request line; past: no session, no ticket
 */
#define NGX_AIGC_INSTANCE_COOKIE_MAX  2048

/*
 * bytes of a credential that a worker remembers, own choice: a session fits;
 * past: verified anew each time
 */
#define NGX_HTTP_AIGC_MEMO_TEXT  4096

/*
 * bytes of the URL of a page to return to, own choice: 8 KB and the site;
 * past: the dashboard
 */
#define NGX_AIGC_RD_MAX  8448

/*
 * bytes of such a URL in "state", own choice: the authorization request must
 * pass proxies that take 4 KB; past: it goes in cookies
 */
#define NGX_AIGC_STATE_RD_MAX  1024

/* unfinished sign-ins of a browser, own choice; past: the oldest goes */
#define NGX_HTTP_AIGC_LOGINS  8

/*
 * cookies of sign-ins that are looked at; past: they stay until the next time
 */
#define NGX_HTTP_AIGC_LOGINS_SEEN  64

/*
 * sign-ins that a response removes: its header has to pass proxies; past: the
 * next response removes them
 */
#define NGX_HTTP_AIGC_LOGINS_CUT  16

/* cookies for a long page: RD_MAX sealed; past: the dashboard */
#define NGX_HTTP_AIGC_LOGIN_PARTS  3

/*
 * bytes of a Cookie line that are not for these, own choice: a session, eight
 * sign-ins, and 2 KB of other cookies; past: only shorter pages are kept
 */
#define NGX_HTTP_AIGC_LOGIN_REST  8192

/*
 * tickets of a set, of which a session has two, for 30 s, own choice; past:
 * the ticket is not taken, and the browser begins again
 */
#define NGX_AIGC_TICKET_WAYS  32

/* bytes of the form of a back-channel logout: twice a token; past: 413 */
#define NGX_HTTP_AIGC_LOGOUT_MAX  16384

/* logout tokens of a worker that wait for a new key, own choice; past: 503 */
#define NGX_HTTP_AIGC_LOGOUT_WAITING  32


/* --- The provider */

/*
 * bytes of discovery, keys, and what revokes, own choice: Logto's have 3 KB;
 * past: as no answer: what was known counts on
 */
#define NGX_AIGC_PROVIDER_ANSWER  65536

/*
 * bytes of a response with tokens, own choice: more than JWT_MAX, so that the
 * log can say that a token is too large; past: as no answer
 */
#define NGX_AIGC_PROVIDER_TOKENS  65536

/* bytes of an endpoint's URL, own choice; past: discovery is refused */
#define NGX_AIGC_ENDPOINT_MAX  512

/*
 * bytes of the key set as it is kept, own choice: 16 RSA keys of 4096 bits;
 * past: without certificates; past that: refused, the old set counts on
 */
#define NGX_AIGC_JWKS_MAX  16384

/* keys of a set, own choice: Logto has three; past: skipped, with a notice */
#define NGX_AIGC_JWKS_KEYS_MAX  16

/* bytes of a key's id, own choice; past: the key is skipped */
#define NGX_AIGC_KID_MAX  128

/*
 * bytes of a coordinate of P-521, RFC 7518 6.2.1.2; past: the key is skipped
 */
#define NGX_AIGC_EC_BYTES_MAX  66

/* bits, RFC 7518 3.3; less: the key is skipped */
#define NGX_AIGC_RSA_BITS_MIN  2048

/* bits, own choice: 4 times the work of 4096; past: the key is skipped */
#define NGX_AIGC_RSA_BITS_MAX  8192

/* bytes of e, own choice: what it costs to verify; past: the key is skipped */
#define NGX_AIGC_RSA_EXP_MAX  8

/*
 * bytes of a token, all three parts, own choice: a header buffer of 8 KB;
 * past: 401, or 500 at a sign-in
 */
#define NGX_AIGC_JWT_MAX  8192

/* bytes of its decoded header, own choice: x5c is not read; past: 401 */
#define NGX_AIGC_JWT_HEADER_MAX  1024

/*
 * s of exp, nbf, iat, from here on: the year 10000, the end of RFC 3339; such
 * a time is in milliseconds, or an attack; past: 401
 */
#define NGX_AIGC_JWT_TIME_MAX  253402300799LL

/*
 * bytes of a user, own choice: Logto's have 12, OpenID Connect allows 255;
 * past: 401; a claim or a disk of such an owner is unreadable: nobody's
 */
#define NGX_AIGC_SUB_MAX  128

/* bytes of a session's id, own choice: Logto's have 21; past: 401 */
#define NGX_AIGC_SID_MAX  128

/* bytes of others' error codes in a log line, own choice; past: cut */
#define NGX_AIGC_WORD_MAX  48


/* --- Logto's Management API and webhook */

/* bytes of a token, own choice; past: an answer that makes no sense */
#define NGX_AIGC_MANAGEMENT_TOKEN  4096

/* s that it is used, own choice; longer: asked for anew after this */
#define NGX_AIGC_MANAGEMENT_LIFE  86400

/*
 * bytes of a page of users, own choice; past: pages of fewer users, and at
 * last the user is left out, with a warning
 */
#define NGX_AIGC_MANAGEMENT_ANSWER  (2 * 1024 * 1024)

/* users of a page: Logto's largest; fewer are the last page */
#define NGX_AIGC_MANAGEMENT_PAGE  100

/*
 * of our entries in a user's custom data, own choice: the mirror makes one a
 * template; past: not looked at
 */
#define NGX_AIGC_ENTRIES_MAX  256

/*
 * users of one scan, own choice; past: the scan ends, and begins at the first
 */
#define NGX_AIGC_MIRROR_SCAN_MAX  1000000

/* users that a scan lets wait, own choice; past: the next scan has them */
#define NGX_AIGC_MIRROR_QUEUE  10000

/*
 * users from which on an adoption is refused, own choice: five minutes; so
 * many: 507
 */
#define NGX_HTTP_AIGC_ADOPT_USERS  100000

/* conflicts that an adoption shows, own choice; past: counted */
#define NGX_HTTP_AIGC_ADOPT_CONFLICTS  1000

/* users whose names are asked for one by one, own choice; past: in pages */
#define NGX_HTTP_AIGC_USERS_ASK  100

/* users that are read in pages for it, own choice; past: one by one */
#define NGX_HTTP_AIGC_USERS_READ  10000

/* bytes of a user's name, as Logto's; past: cut, it is shown only */
#define NGX_HTTP_AIGC_OWNERS_NAME  128

/* bytes of a body, own choice: the user's custom data is in it; past: 413 */
#define NGX_AIGC_WEBHOOK_MAX  1048576

/* bytes of a string's text that is read, own choice; past: 400 */
#define NGX_AIGC_WEBHOOK_WORD  1024

/* hexadecimal digits of HMAC-SHA256; another number: 403 */
#define NGX_AIGC_WEBHOOK_SIGNATURE  64


/* --- Names, ids and claims in Kubernetes */

/* bytes of a namespace, RFC 1123 label; past: the object is not read */
#define NGX_AIGC_NS_MAX  63

/* bytes of a GameServerSet's name: a label's value, too; past: not read */
#define NGX_AIGC_NAME_MAX  63

/*
 * … of which 11 go for a hash in kruise's label controller-revision-hash;
 * past: the template is misconfigured
 */
#define NGX_AIGC_GSS_NAME_MAX  52

/* bytes of another object's name, RFC 1123 subdomain; past: not read */
#define NGX_AIGC_PVC_MAX  253

/* bytes, RFC 1123 subdomain; past: an error of nginx -t */
#define NGX_AIGC_LEASE_NAME_MAX  253

/* bytes, own choice: a UUID has 36; past: the object is not read */
#define NGX_AIGC_UID_MAX  64

/*
 * bytes of a resourceVersion, own choice: 64 bits have 20 digits; past:
 * unknown, and what tests it is not done
 */
#define NGX_AIGC_VERSION_MAX  24

/* bytes of an object's path: the longest names and 90; never past it */
#define NGX_AIGC_PATH_MAX  512

/*
 * an instance's id, own choice: a bitmap has 12 KB; past: no instance, and no
 * more are installed
 */
#define NGX_AIGC_ID_MAX  99999

/*
 * bytes of an instance's annotation: the longest user and 250; past:
 * unreadable, nobody's, and its id is not given out
 */
#define NGX_AIGC_ANNOTATION_MAX  384

/* bytes of a time, RFC 3339: nanoseconds and an offset; past: no time */
#define NGX_AIGC_SINCE_MAX  40

/* s of a time, from here on: the year 10000, RFC 3339; past: no time */
#define NGX_AIGC_TIME_END  253402300800LL

/*
 * instances of a template that says no number, own choice: an event of it is
 * parsed in 4 ms; past: 409
 */
#define NGX_AIGC_INSTANCES_DEFAULT  800

/*
 * the number that it may say: they fit the 256 KiB of annotations that
 * Kubernetes allows; past: the template is misconfigured
 */
#define NGX_AIGC_INSTANCES_MAX  2500

/* annotations of instances that are read; past: misconfigured */
#define NGX_AIGC_CLAIMS_READ  (NGX_AIGC_INSTANCES_MAX * 2)

/* bytes of the annotation reserve-ids: what Kubernetes allows for all */
#define NGX_AIGC_RESERVE_IDS_MAX  (256 * 1024)

/* instances of a user that aigc_limits may say; past: an error of nginx -t */
#define NGX_AIGC_LIMIT_MAX  100000

/*
 * namespaces that are watched one by one, own choice; past: an error of nginx
 * -t
 */
#define NGX_AIGC_NAMESPACES_MAX  16


/* --- What a template says */

/* bytes, own choice; past: cut, as it is shown only */
#define NGX_AIGC_TITLE_MAX  128

/* bytes, own choice; past: cut, likewise */
#define NGX_AIGC_DESCRIPTION_MAX  512

/* bytes of a container's image, own choice; past: cut, likewise */
#define NGX_AIGC_IMAGE_MAX  256

/* bytes of a URL, own choice: as URL_MAX; past: no icon */
#define NGX_AIGC_ICON_MAX  2048

/* bytes of "500m", "4Gi", own choice; past: not shown */
#define NGX_AIGC_QUANTITY_MAX  24

/*
 * bytes of a GPU's kind and specification, own choice; past: cut, shown only
 */
#define NGX_AIGC_GPU_MAX  64

/* of a container, GiB of GPU memory too, own choice; past: not counted */
#define NGX_AIGC_GPUS_MAX  1000

/* digits of a disk's size, own choice: a sum fits 64 bits; past: not shown */
#define NGX_AIGC_DISK_DIGITS_MAX  9

/* bytes of why a template is misconfigured: a line of a page; past: cut */
#define NGX_AIGC_WHY_MAX  160

/* bytes of a value in it, own choice; past: cut, with "..." */
#define NGX_AIGC_QUOTE_MAX  96


/* --- What a pod says */

/* bytes of "[IPv6]:port": 54; never past it */
#define NGX_AIGC_ADDRESS_MAX  64

/* bytes, a label's value; past: unknown, half of it is another one */
#define NGX_AIGC_REVISION_MAX  63

/* bytes of startTime, RFC 3339 to the second has 20; past: cut, shown only */
#define NGX_AIGC_POD_START_MAX  32

/* bytes of a container's name, RFC 1123 label; past: not named */
#define NGX_AIGC_CONTAINER_MAX  63

/*
 * bytes of a reason, own choice: a word; past: cut, or the Event is not read
 */
#define NGX_AIGC_REASON_CODE_MAX  64

/* bytes of a message, own choice; past: cut, as it is shown only */
#define NGX_AIGC_REASON_TEXT_MAX  256

/*
 * ownerReferences of a disk that are looked at, own choice; past: its
 * reference is not found, and not changed
 */
#define NGX_AIGC_OWNER_REFS_MAX  64


/* --- Answers of the API server */

/*
 * bytes of a page, own choice: four objects of the largest that etcd keeps
 * (1.5 MiB) and more; past: asked again for pages of half as many objects
 */
#define NGX_AIGC_LIST_MAX  (8 * 1024 * 1024)

/*
 * bytes of an event, own choice: the largest object as JSON and more; past:
 * the watch begins again, with an error
 */
#define NGX_AIGC_FRAME_MAX  (4 * 1024 * 1024)

/* bytes of an error body, own choice; past: as one that says nothing */
#define NGX_AIGC_STATUS_MAX  16384

/* bytes of its reason in a log line, own choice; past: cut */
#define NGX_AIGC_STATUS_REASON  64

/* bytes of its message in a log line, own choice; past: cut */
#define NGX_AIGC_STATUS_TEXT  256

/*
 * bytes of an error body that a subrequest keeps: STATUS_MAX; past: dropped,
 * so that it says nothing
 */
#define NGX_AIGC_SUBREQUEST_BODY  16384

/*
 * bytes of the object that a leader's write gives back: the largest and more;
 * past: a write that failed, which is verified
 */
#define NGX_AIGC_TASK_BODY  (2 * 1024 * 1024)

/* … an adoption's write; past: likewise */
#define NGX_HTTP_AIGC_ADOPT_ANSWER  (2 * 1024 * 1024)

/* … an Event's; past: it is not sent again, a line says so */
#define NGX_AIGC_EVENT_ANSWER  16384

/* bytes of the Lease, own choice: all annotations fit; past: no answer */
#define NGX_AIGC_LEASE_BODY  (1024 * 1024)

/* ms that a Lease of somebody else's holds, own choice; past: this */
#define NGX_AIGC_LEASE_DURATION_MAX  60000

/* leaseTransitions, an int32 in Kubernetes; past: counted from 0 again */
#define NGX_AIGC_TRANSITIONS_MAX  NGX_MAX_INT32_VALUE

/*
 * bytes of a holder's identity, own choice; past: cut, it is compared no more
 */
#define NGX_AIGC_HOLDER_MAX  128

/*
 * revocations: what fills a ConfigMap (1 MiB); past: the oldest make way for
 * a time before which all sessions are refused
 */
#define NGX_AIGC_REVOCATIONS_MAX  16384

/*
 * bytes of the Secret as JSON: 1 MiB in base64 and managedFields; past: no
 * answer, and the session waits
 */
#define NGX_AIGC_ROTATION_ANSWER  (4 * 1024 * 1024)

/* entries that may stay in it, own choice; past: those that end first go */
#define NGX_AIGC_ROTATION_MAX  2000

/* bytes of them: a Secret may have 1 MiB; past: likewise, 64 at once */
#define NGX_AIGC_ROTATION_BYTES  (768 * 1024)

/*
 * bytes of an entry, own choice: a refresh token of 1,400, sealed; a multiple
 * of 3, so that its base64 is exact; past: not written, not read
 */
#define NGX_AIGC_ROTATION_TEXT_MAX  2046

/* bytes of a gateway's name: 16 random ones in base64url; past: not read */
#define NGX_AIGC_ROTATION_GATEWAY_MAX  22

/* digits of a time: up to the year 5138; past: not read */
#define NGX_AIGC_ROTATION_DIGITS  11


/* --- Files and directives */

/*
 * bytes of a service account's token, own choice; past: the last good one is
 * used, with an error
 */
#define NGX_AIGC_TOKEN_FILE_MAX  8192

/* bytes of key_file: 8 keys and their comments; past: an error of nginx -t */
#define NGX_AIGC_KEY_FILE_MAX  4096

/* keys in it, own choice: each opens what is sealed; past: likewise */
#define NGX_AIGC_SEAL_KEYS_MAX  8

/* bytes of a client's secret, own choice; past: likewise */
#define NGX_AIGC_SECRET_MAX  512

/* bytes of a program's scope, own choice; past: likewise */
#define NGX_AIGC_SCOPE_MAX  128

/* bytes of a sign-in's scopes, own choice; past: likewise */
#define NGX_HTTP_AIGC_ASK_MAX  512

/* bytes of the path of a claim, own choice; past: likewise */
#define NGX_AIGC_CLAIM_MAX  256

/* names in it, own choice; past: likewise */
#define NGX_AIGC_CLAIM_DEPTH  8


#endif /* _NGX_AIGC_BOUNDS_H_INCLUDED_ */
