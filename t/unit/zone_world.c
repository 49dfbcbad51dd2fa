/*
 * t/unit/zone_world.c — see zone_world.h.
 */

#include "zone_world.h"
#include "instances/ngx_aigc_index.h"


#define WORLD_TEXT  256

/* serial, template, id in one number; the serial comes first in its text */
#define world_number(world, k, id)                                            \
    (++(world)->serial << 16 | (uint64_t) (k) << 8 | (id))
#define world_k(number)   ((ngx_uint_t) ((number) >> 8 & 0xff))
#define world_id(number)  ((ngx_uint_t) ((number) & 0xff))


/* One text of an object: what, its number, and a tail of some length. */
typedef struct {
    u_char            data[WORLD_TEXT];
    size_t            len;
} world_text_t;


static ngx_str_t  world_the_ns = ngx_string("ns");
static ngx_str_t  world_names[] = {
    ngx_string("t0"), ngx_string("t1"), ngx_string("t2"), ngx_string("t3")
};


uint32_t
world_random(uint32_t *state, uint32_t n)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;

    return *state % n;
}


ngx_str_t *
world_ns(void)
{
    return &world_the_ns;
}


ngx_str_t *
world_name(ngx_uint_t k)
{
    return &world_names[k];
}


ngx_str_t *
world_host(ngx_uint_t k, ngx_uint_t id, u_char *buf)
{
    static ngx_str_t  host;

    host.data = buf;
    host.len = ngx_sprintf(buf, "h%ui-%ui.example.com", k, id) - buf;

    return &host;
}


static ngx_str_t
world_text(world_text_t *text, const char *what, uint64_t number,
    ngx_uint_t tails)
{
    u_char      *p;
    ngx_str_t    s;
    ngx_uint_t   tail;

    tail = (number >> 16) % tails;

    p = ngx_sprintf(text->data, "%s%016xL", what, (int64_t) number);

    ngx_memset(p, 'a' + tail % 26, tail);

    s.data = text->data;
    s.len = p + tail - text->data;

    return s;
}


/* The number in a text that has been read; 0: none. */
static uint64_t
world_number_of(ngx_str_t *text)
{
    uint64_t    number;
    ngx_uint_t  i;

    number = 0;

    for (i = 1; i <= 16 && i < text->len; i++) {
        number = number << 4
                 | (text->data[i] <= '9' ? text->data[i] - '0'
                                         : text->data[i] - 'a' + 10);
    }

    return (i == 17) ? number : 0;
}


static ngx_uint_t
world_is(ngx_str_t *got, const char *what, uint64_t number, ngx_uint_t tails)
{
    ngx_str_t     want;
    world_text_t  text;

    want = world_text(&text, what, number, tails);

    return got->len == want.len
           && ngx_memcmp(got->data, want.data, want.len) == 0;
}


#define world_claim_since(number)  (time_t) (1700000000 + (number) % 100000007)


static void
world_put_gss(world_t *world, ngx_aigc_zone_t *zone, ngx_uint_t k,
    uint32_t mark, ngx_log_t *log)
{
    u_char            host[64];
    ngx_uint_t        id, n;
    world_text_t      uid, title, description;
    ngx_aigc_gss_t    gss;

    static world_text_t      owner[WORLD_IDS], set[WORLD_IDS], raw[WORLD_IDS];
    static ngx_aigc_claim_t  claims[WORLD_IDS];

    ngx_memzero(&gss, sizeof(ngx_aigc_gss_t));
    ngx_memzero(claims, sizeof(claims));

    gss.ns = *world_ns();
    gss.name = *world_name(k);
    gss.uid = world_text(&uid, "g", world->gss[k], 40);
    gss.title = world_text(&title, "t", world->gss[k], 90);
    gss.description = world_text(&description, "d", world->gss[k], 200);
    gss.generation = (int64_t) world->gss[k];
    gss.observed = -1;
    gss.current = -1;
    gss.top = -1;
    gss.max = WORLD_IDS;
    gss.port = WORLD_PORT;

    gss.host.data = host;
    gss.host.len = ngx_sprintf(host, "h%ui-<id>.example.com",
                               world->collides[k] ? k - 1 : k) - host;

    for (id = 0, n = 0; id < WORLD_IDS; id++) {
        if (world->claim[k][id] == 0) {
            continue;
        }

        claims[n].id = id;
        claims[n].state = NGX_AIGC_RUNNING;
        claims[n].owner = world_text(&owner[n], "o", world->claim[k][id], 70);
        claims[n].gss = world_text(&set[n], "s", world->claim[k][id], 40);
        claims[n].raw = world_text(&raw[n], "r", world->claim[k][id], 200);
        claims[n].since_sec = world_claim_since(world->claim[k][id]);
        n++;
    }

    gss.claims.elts = claims;
    gss.claims.nelts = n;

    (void) ngx_aigc_table_put_gss(zone, &gss, mark, log);
}


static void
world_drop_gss(ngx_aigc_zone_t *zone, ngx_uint_t k)
{
    ngx_aigc_gss_t  gss;

    gss.ns = *world_ns();
    gss.name = *world_name(k);

    (void) ngx_aigc_table_drop_gss(zone, &gss);
}


static in_addr_t
world_address(uint64_t number)
{
    return htonl(0x0a000001 + (number >> 16) % WORLD_ADDRESSES);
}


static void
world_pod(world_t *world, ngx_aigc_zone_t *zone, ngx_uint_t k, ngx_uint_t id,
    ngx_uint_t gone, uint32_t mark, ngx_log_t *log)
{
    u_char          ip[NGX_INET_ADDRSTRLEN];
    uint64_t        number;
    in_addr_t       addr;
    world_text_t    uid, owner, revision, start, reason;
    ngx_aigc_pod_t  pod;

    ngx_memzero(&pod, sizeof(ngx_aigc_pod_t));

    number = world->pod[k][id];
    addr = world_address(number);

    pod.ns = *world_ns();
    pod.gss = *world_name(k);
    pod.name = pod.gss;
    pod.id = id;
    pod.uid = world_text(&uid, "p", number, 40);
    pod.owner = world_text(&owner, "w", k + 1, 1);
    pod.revision = world_text(&revision, "v", number, 40);
    pod.start = world_text(&start, "b", number, 10);
    pod.reason = world_text(&reason, "y", number, 200);
    pod.progress = NGX_AIGC_PROGRESS_PREPARED;
    pod.ready = 1;
    pod.ip.data = ip;
    pod.ip.len = ngx_inet_ntop(AF_INET, &addr, ip, NGX_INET_ADDRSTRLEN);

    if (gone) {
        (void) ngx_aigc_table_drop_pod(zone, &pod);

    } else {
        (void) ngx_aigc_table_put_pod(zone, &pod, mark, log);
    }
}


static void
world_disk(world_t *world, ngx_aigc_zone_t *zone, ngx_uint_t k, ngx_uint_t id,
    ngx_uint_t gone, uint32_t mark, ngx_log_t *log)
{
    u_char          name[32];
    world_text_t    uid, owner, version;
    ngx_aigc_pvc_t  pvc;

    ngx_memzero(&pvc, sizeof(ngx_aigc_pvc_t));

    pvc.ns = *world_ns();
    pvc.gss = *world_name(k);
    pvc.id = id;
    pvc.name.data = name;
    pvc.name.len = ngx_sprintf(name, "data-%V-%ui", &pvc.gss, id) - name;
    pvc.uid = world_text(&uid, "u", world->disk[k][id], 40);
    pvc.owner = world_text(&owner, "o", world->disk[k][id], 70);
    pvc.version = world_text(&version, "n", world->disk[k][id], 8);

    if (gone) {
        (void) ngx_aigc_table_drop_pvc(zone, &pvc);

    } else {
        (void) ngx_aigc_table_put_pvc(zone, &pvc, mark, log);
    }
}


void
world_list(world_t *world, ngx_aigc_zone_t *zone, uint32_t mark,
    ngx_log_t *log)
{
    ngx_str_t         all = ngx_null_string;
    ngx_uint_t        k, id;
    ngx_aigc_sweep_t  sweep;

    for (k = 0; k < WORLD_TEMPLATES; k++) {
        if (world->gss[k]) {
            world_put_gss(world, zone, k, mark, log);
        }
    }

    for (k = 0; k < WORLD_TEMPLATES; k++) {
        for (id = 0; id < WORLD_IDS; id++) {
            if (world->pod[k][id]) {
                world_pod(world, zone, k, id, 0, mark, log);
            }

            if (world->disk[k][id]) {
                world_disk(world, zone, k, id, 0, mark, log);
            }
        }
    }

    sweep.namespaces = NULL;
    sweep.ns = &all;
    sweep.mark = mark;

    ngx_aigc_table_sweep_gss(zone, &sweep);
    ngx_aigc_table_sweep_pod(zone, &sweep);
    ngx_aigc_table_sweep_pvc(zone, &sweep);

    ngx_aigc_table_listed(zone);
}


void
world_change(world_t *world, ngx_aigc_zone_t *zone, ngx_log_t *log)
{
    ngx_uint_t  k, id, gone;

    k = world_random(&world->random, WORLD_TEMPLATES);
    id = world_random(&world->random, WORLD_IDS);
    gone = world_random(&world->random, 3) == 0;

    switch (world_random(&world->random, 4)) {

    case 0:
        if (k == WORLD_TEMPLATES - 1 && gone) {
            world->gss[k] = 0;
            ngx_memzero(world->claim[k], sizeof(world->claim[k]));
            world_drop_gss(zone, k);
            break;
        }

        if (k == WORLD_COMES) {
            world->collides[k] = !world->collides[k];
        }

        world->gss[k] = world_number(world, k, 0);

        if (k < WORLD_COMES && id < WORLD_FIXED) {
            gone = 0;
        }

        world->claim[k][id] = gone ? 0 : world_number(world, k, id);
        world_put_gss(world, zone, k, 0, log);
        break;

    case 1:
        if (world->disk[k][id] == 0 || !gone) {
            world->disk[k][id] = world_number(world, k, id);
            gone = 0;
        }

        world_disk(world, zone, k, id, gone, 0, log);
        world->disk[k][id] = gone ? 0 : world->disk[k][id];
        break;

    default:
        if (world->pod[k][id] == 0 || !gone) {
            world->pod[k][id] = world_number(world, k, id);
            gone = 0;
        }

        world_pod(world, zone, k, id, gone, 0, log);
        world->pod[k][id] = gone ? 0 : world->pod[k][id];
        break;
    }
}


static const char *
world_torn_claim(ngx_aigc_record_t *record, ngx_uint_t all)
{
    uint64_t   number;
    ngx_str_t  owner, set, raw;

    ngx_aigc_fixed_get(&record->owner, &owner);

    number = world_number_of(&owner);

    if (!world_is(&owner, "o", number, 70)
        || world_id(number) != (ngx_uint_t) record->id
        || world_k(number) >= WORLD_TEMPLATES
        || !ngx_aigc_fixed_eq(&record->name, world_name(world_k(number)))
        || record->since != world_claim_since(number))
    {
        return "a torn claim";
    }

    if (!all) {
        return NULL;
    }

    ngx_aigc_fixed_get(&record->claim_gss, &set);
    ngx_aigc_fixed_get(&record->raw, &raw);

    return (!world_is(&set, "s", number, 40)
            || !world_is(&raw, "r", number, 200))
           ? "a torn claim, at its end" : NULL;
}


static const char *
world_torn_pod(ngx_aigc_record_t *record)
{
    uint64_t   number;
    ngx_str_t  uid, start, revision, reason;

    ngx_aigc_fixed_get(&record->pod_uid, &uid);
    ngx_aigc_fixed_get(&record->pod_start, &start);
    ngx_aigc_fixed_get(&record->pod_revision, &revision);
    ngx_aigc_fixed_get(&record->reason, &reason);

    number = world_number_of(&uid);

    return (!world_is(&uid, "p", number, 40)
            || world_id(number) != (ngx_uint_t) record->id
            || !world_is(&start, "b", number, 10)
            || !world_is(&revision, "v", number, 40)
            || !world_is(&reason, "y", number, 200)
            || record->addr.in.sin_addr.s_addr != world_address(number))
           ? "a torn pod" : NULL;
}


const char *
world_torn_record(ngx_aigc_record_t *record, ngx_uint_t all, ngx_uint_t k,
    ngx_uint_t id)
{
    u_char       buf[NGX_SOCKADDR_STRLEN];
    ngx_str_t    address;
    const char  *wrong;

    if (id != NGX_AIGC_NONE && (ngx_uint_t) record->id != id) {
        return "a record of another id";
    }

    if (k != NGX_AIGC_NONE
        && !ngx_aigc_fixed_eq(&record->name, world_name(k))
        && (k + 1 != WORLD_COMES
            || !ngx_aigc_fixed_eq(&record->name, world_name(k + 1))))
    {
        return "a record of another template";
    }

    if (record->routed) {
        address.data = buf;
        address.len = ngx_sock_ntop(&record->addr.sockaddr, record->socklen,
                                    buf, sizeof(buf), 1);

        if (!record->in_addr || !record->pod
            || !ngx_aigc_fixed_eq(&record->address, &address))
        {
            return "a torn address";
        }
    }

    wrong = (record->state != NGX_AIGC_NO_STATE)
            ? world_torn_claim(record, all) : NULL;

    return (wrong || !all || !record->pod) ? wrong : world_torn_pod(record);
}


const char *
world_torn_template(ngx_aigc_template_t *tmpl)
{
    uint64_t    number;
    ngx_str_t   uid, title, description;

    ngx_aigc_fixed_get(&tmpl->uid, &uid);
    ngx_aigc_fixed_get(&tmpl->title, &title);
    ngx_aigc_fixed_get(&tmpl->description, &description);

    if (uid.len == 0) {
        return NULL;            /* a new one has its name, the rest comes */
    }

    number = world_number_of(&uid);

    return (!world_is(&uid, "g", number, 40)
            || !world_is(&title, "t", number, 90)
            || !world_is(&description, "d", number, 200)
            || tmpl->generation != (int64_t) number)
           ? "a torn template" : NULL;
}


const char *
world_torn_disk(ngx_aigc_disk_t *disk)
{
    uint64_t    number;
    ngx_str_t   uid, owner, version;

    ngx_aigc_fixed_get(&disk->uid, &uid);
    ngx_aigc_fixed_get(&disk->owner, &owner);
    ngx_aigc_fixed_get(&disk->version, &version);

    if (uid.len == 0) {
        return NULL;            /* likewise */
    }

    number = world_number_of(&uid);

    return (!world_is(&uid, "u", number, 40)
            || !world_is(&owner, "o", number, 70)
            || !world_is(&version, "n", number, 8))
           ? "a torn disk" : NULL;
}


static const char *
world_differs_record(world_t *world, ngx_aigc_zone_t *zone, ngx_uint_t k,
    ngx_uint_t id)
{
    ngx_int_t          rc;
    ngx_str_t          owner, uid;
    ngx_aigc_record_t  record;

    rc = ngx_aigc_table_by_id(zone, world_ns(), world_name(k), id, &record);

    if (!world->claim[k][id] && !world->pod[k][id] && !world->disk[k][id]) {
        return (rc == NGX_DECLINED) ? NULL : "a record that should be gone";
    }

    if (rc != NGX_OK) {
        return "a record is missing";
    }

    if (world_torn_record(&record, 1, k, id)) {
        return world_torn_record(&record, 1, k, id);
    }

    ngx_aigc_fixed_get(&record.owner, &owner);
    ngx_aigc_fixed_get(&record.pod_uid, &uid);

    if ((record.state != NGX_AIGC_NO_STATE) != (world->claim[k][id] != 0)
        || (world->claim[k][id]
            && world_number_of(&owner) != world->claim[k][id]))
    {
        return "a record has another claim";
    }

    if (record.pod != (world->pod[k][id] != 0)
        || (record.pod && world_number_of(&uid) != world->pod[k][id]))
    {
        return "a record has another pod";
    }

    if ((record.disk == NGX_AIGC_DISK_NONE) != (world->disk[k][id] == 0)) {
        return "a record lacks its disk";
    }

    return NULL;
}


const char *
world_differs(world_t *world, ngx_aigc_zone_t *zone)
{
    ngx_uint_t            k, id;
    const char           *wrong;
    ngx_aigc_template_t   tmpl;

    for (k = 0; k < WORLD_TEMPLATES; k++) {

        if ((ngx_aigc_table_template(zone, world_ns(), world_name(k), &tmpl,
                                     NULL)
             == NGX_OK) != (world->gss[k] != 0))
        {
            return "a template is missing, or should be gone";
        }

        for (id = 0; id < WORLD_IDS; id++) {
            wrong = world_differs_record(world, zone, k, id);
            if (wrong) {
                return wrong;
            }
        }
    }

    return NULL;
}
