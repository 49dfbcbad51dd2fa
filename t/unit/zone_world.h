/*
 * t/unit/zone_world.h — a made-up cluster for t/unit/zone_stress_test.c: every
 * object is a function of one number, so whoever reads one from the table can
 * tell whether all of it was written together.
 */

#ifndef _ZONE_WORLD_H_INCLUDED_
#define _ZONE_WORLD_H_INCLUDED_

#include "unit.h"
#include "instances/ngx_aigc_table.h"


#define WORLD_TEMPLATES  4
#define WORLD_IDS        48
#define WORLD_FIXED      32     /* ids below it are claimed always, … */
#define WORLD_COMES      2      /* … in templates below this one; that one's
                                   host becomes its neighbour's at times, and
                                   the last one comes and goes */
#define WORLD_ADDRESSES  150    /* fewer than instances: some meet */
#define WORLD_PORT       7860


/* What the writer has last put; 0: nothing. */
typedef struct {
    uint64_t          gss[WORLD_TEMPLATES];
    ngx_uint_t        collides[WORLD_TEMPLATES];
    uint64_t          claim[WORLD_TEMPLATES][WORLD_IDS];
    uint64_t          pod[WORLD_TEMPLATES][WORLD_IDS];
    uint64_t          disk[WORLD_TEMPLATES][WORLD_IDS];
    uint64_t          serial;
    uint32_t          random;
} world_t;


/* xorshift: a number below n. */
uint32_t world_random(uint32_t *state, uint32_t n);

ngx_str_t *world_ns(void);
ngx_str_t *world_name(ngx_uint_t k);
ngx_str_t *world_host(ngx_uint_t k, ngx_uint_t id, u_char *buf);

/* Everything anew, as a list of all kinds does, and what is not in it goes. */
void world_list(world_t *world, ngx_aigc_zone_t *zone, uint32_t mark,
    ngx_log_t *log);

/* One random event. */
void world_change(world_t *world, ngx_aigc_zone_t *zone, ngx_log_t *log);

/*
 * Is what was read whole, and what was asked for?  NULL, or what is wrong.  A
 * record as by_host() fills it, or all of it; k, id: any with NGX_AIGC_NONE.
 */
const char *world_torn_record(ngx_aigc_record_t *record, ngx_uint_t all,
    ngx_uint_t k, ngx_uint_t id);
const char *world_torn_template(ngx_aigc_template_t *tmpl);
const char *world_torn_disk(ngx_aigc_disk_t *disk);

/* Nobody writes: is all in the table that world says, and nothing else? */
const char *world_differs(world_t *world, ngx_aigc_zone_t *zone);


#endif /* _ZONE_WORLD_H_INCLUDED_ */
