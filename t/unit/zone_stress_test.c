/*
 * t/unit/zone_stress_test.c — the table in a shared zone, read by several
 * processes without a lock while one writes and is killed again and again, at
 * whatever it does; its successor takes over as a new worker 0 does.
 *
 *     READS=100000000 AIGC_UNIT=zone_stress prove t/unit.t
 */

#include "unit.h"
#include "zone_world.h"
#include "kube/ngx_aigc_date.h"

#include <sys/mman.h>
#include <sys/wait.h>


#define STRESS_ZONE     (2 * 1024 * 1024)
#define STRESS_READERS  3
#define STRESS_READS    4000000     /* in all, without READS */
#define STRESS_LIFE     8000        /* us of a writer, at most */
#define STRESS_ENDS     200         /* writers in which one dies inside a
                                       slot: a third of all do */


/* What all processes share besides the zone. */
typedef struct {
    ngx_atomic_t      reads;
    ngx_atomic_t      busy;             /* … half-written slots */
    ngx_atomic_t      holes;            /* … not found, and the table said that
                                           it may be missing */
    ngx_atomic_t      writes;
    ngx_atomic_t      repaired;         /* takeovers with slots freed */
    ngx_atomic_t      wrong;
    ngx_atomic_t      stop;
    char              what[128];        /* the first thing wrong */
} stress_t;


static ngx_aigc_part_t  *stress_parts[] = {
    &ngx_aigc_date_part, &ngx_aigc_sync_part, &ngx_aigc_table_part, NULL
};

static stress_t  *stress;


static void
stress_wrong(const char *what)
{
    if (what && ngx_atomic_fetch_add(&stress->wrong, 1) == 0) {
        ngx_cpystrn((u_char *) stress->what, (u_char *) what,
                    sizeof(stress->what));
    }
}


/* The zone as nginx makes it for aigc_zone. */
static ngx_aigc_zone_t *
stress_zone(unit_t *u)
{
    ngx_str_t         name = ngx_string("stress");
    ngx_conf_t        cf;
    ngx_cycle_t       cycle;
    ngx_shm_zone_t   *shm_zone;
    ngx_aigc_zone_t  *zone;
    ngx_slab_pool_t  *shpool;

    ngx_memzero(&cf, sizeof(ngx_conf_t));
    ngx_memzero(&cycle, sizeof(ngx_cycle_t));

    cf.pool = u->pool;
    cf.log = u->log;
    cf.cycle = &cycle;
    (void) ngx_list_init(&cycle.shared_memory, u->pool, 1,
                         sizeof(ngx_shm_zone_t));

    zone = ngx_aigc_zone_add(&cf, &name, STRESS_ZONE, &stress, stress_parts);
    shm_zone = zone->shm_zone;
    shm_zone->shm.log = u->log;

    if (!is_int(u, ngx_shm_alloc(&shm_zone->shm), NGX_OK)) {
        return NULL;
    }

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    shpool->end = shm_zone->shm.addr + shm_zone->shm.size;
    shpool->min_shift = 3;
    shpool->addr = shm_zone->shm.addr;

    is_int(u, ngx_shmtx_create(&shpool->mutex, &shpool->lock, NULL), NGX_OK);
    ngx_slab_init(shpool);

    return is_int(u, shm_zone->init(shm_zone, NULL), NGX_OK) ? zone : NULL;
}


/* Nobody writes: is each instance found by its host, or refused? */
static const char *
stress_unlinked_host(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    uint32_t           slot;
    ngx_str_t          host;
    ngx_uint_t         same;
    ngx_aigc_record_t  other;

    ngx_aigc_fixed_get(&record->host, &host);

    if (ngx_aigc_table_by_host(zone, &host, &other) != NGX_OK
        || !ngx_aigc_fixed_eq(&other.host, &host))
    {
        return "a host is not in its index";
    }

    same = 0;

    for (slot = 0;
         ngx_aigc_table_next_record(zone, &slot, &other) == NGX_OK;
         slot++)
    {
        same += (other.in_host && ngx_aigc_fixed_eq(&other.host, &host));
    }

    return (record->collision == (same > 1))
           ? NULL : "a host of two instances is not refused for both";
}


static const char *
stress_unlinked_address(ngx_aigc_zone_t *zone, ngx_aigc_record_t *record)
{
    uint32_t           slot;
    ngx_uint_t         routed;
    ngx_aigc_record_t  other;

    routed = 0;

    for (slot = 0;
         ngx_aigc_table_next_record(zone, &slot, &other) == NGX_OK;
         slot++)
    {
        routed += (other.routed
                   && ngx_cmp_sockaddr(&other.addr.sockaddr, other.socklen,
                                       &record->addr.sockaddr, record->socklen,
                                       1)
                      == NGX_OK);
    }

    return routed > 1 ? "two instances have one address"
           : routed == 0 ? "nobody has an address that is claimed" : NULL;
}


/*
 * Nobody writes: can all that is in the table be found in each index?  whole:
 * what a list brings again, besides, is as it should be.
 */
static const char *
stress_unlinked(ngx_aigc_zone_t *zone, ngx_uint_t whole)
{
    uint32_t           slot, found;
    ngx_str_t          ns, name, owner;
    const char        *wrong;
    ngx_aigc_record_t  record, other;

    wrong = NULL;

    for (slot = 0;
         wrong == NULL
         && ngx_aigc_table_next_record(zone, &slot, &record) == NGX_OK;
         slot++)
    {
        ngx_aigc_fixed_get(&record.ns, &ns);
        ngx_aigc_fixed_get(&record.name, &name);
        ngx_aigc_fixed_get(&record.owner, &owner);

        if (ngx_aigc_table_slot(zone, &ns, &name, record.id, &other, &found)
            != NGX_OK || found != slot)
        {
            return "a record is not in its index";
        }

        if (record.in_owner && ngx_aigc_table_owned(zone, &owner) != 1) {
            return "a claim is not in its owner's index";
        }

        if (record.in_host) {
            wrong = stress_unlinked_host(zone, &record);
        }

        if (wrong == NULL && whole && record.in_addr) {
            wrong = stress_unlinked_address(zone, &record);
        }
    }

    return wrong;
}


/* As a new worker 0: takes the zone, looks at what there is, lists all. */
static world_t *
stress_take(ngx_aigc_zone_t *zone, uint32_t generation, ngx_log_t *log)
{
    ngx_uint_t  k, id;

    static world_t  world;

    world.serial = (uint64_t) generation << 24;
    world.random = 2654435761U * (generation + 1);

    for (k = 0; k < WORLD_TEMPLATES; k++) {
        world.gss[k] = ++world.serial << 16 | k << 8;
    }

    for (k = 0; k < WORLD_COMES; k++) {
        for (id = 0; id < WORLD_FIXED; id++) {
            world.claim[k][id] = ++world.serial << 16 | k << 8 | id;
            world.pod[k][id] = ++world.serial << 16 | k << 8 | id;
        }
    }

    ngx_aigc_zone_take(zone);
    ngx_aigc_table_take(zone);

    if (ngx_aigc_table_holes(zone)) {
        ngx_atomic_fetch_add(&stress->repaired, 1);
    }

    stress_wrong(stress_unlinked(zone, 0));
    world_list(&world, zone, zone->epoch, log);

    return &world;
}


/* A writer that is let live: everything is as it says. */
static void
stress_check(ngx_aigc_zone_t *zone, uint32_t generation, ngx_log_t *log)
{
    world_t  *world;

    world = stress_take(zone, generation, log);
    stress_wrong(stress_unlinked(zone, 1));
    stress_wrong(world_differs(world, zone));
}


static void
stress_write(ngx_aigc_zone_t *zone, uint32_t generation, ngx_log_t *log)
{
    world_t  *world;

    world = stress_take(zone, generation, log);

    for ( ;; ) {
        world_change(world, zone, log);
        ngx_atomic_fetch_add(&stress->writes, 1);
    }
}


/*
 * One read, as the access phase makes it, or the API.  What is there always may
 * be missing only while the table says so.
 */
static void
stress_look(ngx_aigc_zone_t *zone, uint32_t *random)
{
    u_char                buf[64];
    uint32_t              slot;
    ngx_int_t             rc;
    ngx_uint_t            k, id, how;
    const char           *wrong;
    ngx_aigc_disk_t       disk;
    ngx_aigc_record_t     record;
    ngx_aigc_template_t   tmpl;

    k = world_random(random, WORLD_TEMPLATES);
    id = world_random(random, WORLD_IDS);
    how = world_random(random, 16);
    wrong = NULL;

    if (how < 9) {
        rc = ngx_aigc_table_by_host(zone, world_host(k, id, buf), &record);
        wrong = (rc == NGX_OK) ? world_torn_record(&record, 0, k, id) : NULL;

    } else if (how < 13) {
        rc = ngx_aigc_table_by_id(zone, world_ns(), world_name(k), id,
                                  &record);
        wrong = (rc == NGX_OK) ? world_torn_record(&record, 1, k, id) : NULL;

    } else if (how == 13) {
        rc = ngx_aigc_table_template(zone, world_ns(), world_name(k), &tmpl,
                                     NULL);
        wrong = (rc == NGX_OK) ? world_torn_template(&tmpl) : NULL;

    } else if (how == 14) {
        slot = world_random(random, WORLD_TEMPLATES * WORLD_IDS);
        rc = ngx_aigc_table_record_at(zone, slot, &record);
        wrong = (rc == NGX_OK)
                ? world_torn_record(&record, 1, NGX_AIGC_NONE, NGX_AIGC_NONE)
                : NULL;

    } else {
        slot = world_random(random, WORLD_TEMPLATES * WORLD_IDS);
        rc = ngx_aigc_table_disk_at(zone, slot, &disk);
        wrong = (rc == NGX_OK) ? world_torn_disk(&disk) : NULL;
    }

    if (rc == NGX_BUSY) {
        ngx_atomic_fetch_add(&stress->busy, 1);

    } else if (rc == NGX_DECLINED && how < 13
               && k < WORLD_COMES && id < WORLD_FIXED)
    {
        if (ngx_aigc_table_whole(zone) == NGX_OK) {
            wrong = "an instance is unknown, and the table is whole";

        } else {
            ngx_atomic_fetch_add(&stress->holes, 1);
        }
    }

    stress_wrong(wrong);
}


static void
stress_read(ngx_aigc_zone_t *zone, uint32_t random, uint64_t n)
{
    uint64_t  i;

    for (i = 0; i < n && !stress->stop; i++) {
        stress_look(zone, &random);
    }

    ngx_atomic_fetch_add(&stress->reads, i);
}


/* Whom ngx_shmtx_lock() takes a process for: its pid. */
static pid_t
stress_fork(void)
{
    pid_t  pid;

    fflush(stdout);
    pid = fork();

    if (pid == 0) {
        ngx_pid = ngx_getpid();
    }

    return pid;
}


/* A writer's life: it dies at any moment, and nginx takes its lock from it. */
static void
stress_kill(ngx_aigc_zone_t *zone, uint32_t generation, uint32_t *random,
    ngx_log_t *log)
{
    pid_t       pid;
    ngx_uint_t  i;

    pid = stress_fork();

    if (pid == 0) {
        stress_write(zone, generation, log);
    }

    (void) usleep(world_random(random, STRESS_LIFE));
    (void) kill(pid, SIGKILL);
    (void) waitpid(pid, NULL, 0);
    (void) ngx_shmtx_force_unlock(&zone->shpool->mutex, pid);

    for (i = 0; i < 8; i++) {           /* nobody writes: whole, or busy */
        stress_look(zone, random);
    }
}


/* Not in this process: a writer knows the slots that it has freed itself. */
static void
stress_live(ngx_aigc_zone_t *zone, uint32_t generation, ngx_log_t *log)
{
    pid_t  pid;

    pid = stress_fork();

    if (pid == 0) {
        stress_check(zone, generation, log);
        _exit(0);
    }

    (void) waitpid(pid, NULL, 0);
}


/* Writers die as long as readers read.  Returns how many have. */
static uint32_t
stress_run(ngx_aigc_zone_t *zone, uint64_t reads, ngx_log_t *log)
{
    pid_t              reader[STRESS_READERS];
    uint32_t           random, deaths;
    ngx_uint_t         i, left, ends;
    ngx_atomic_uint_t  repaired;

    random = 88172645;
    deaths = 0;

    stress_live(zone, deaths, log);

    for (left = 0; left < STRESS_READERS; left++) {
        reader[left] = stress_fork();

        if (reader[left] == 0) {
            stress_read(zone, 123456789 + left, reads / STRESS_READERS);
            _exit(0);
        }
    }

    while (left) {
        stress_kill(zone, ++deaths, &random, log);
        stress->stop = (stress->wrong != 0);

        for (i = 0; i < STRESS_READERS; i++) {
            if (reader[i] && waitpid(reader[i], NULL, WNOHANG) == reader[i]) {
                reader[i] = 0;
                left--;
            }
        }
    }

    /* the end: one that died inside a slot, and one that lives */

    repaired = stress->repaired;

    for (ends = 0;
         ends < STRESS_ENDS && !stress->wrong && stress->repaired == repaired;
         ends++)
    {
        stress_kill(zone, ++deaths, &random, log);
        stress_live(zone, ++deaths, log);
    }

    return deaths;
}


static void
zone_stress(unit_t *u)
{
    char             *reads;
    double            began;
    uint32_t          deaths;
    uint64_t          n;
    ngx_aigc_zone_t  *zone;

    reads = getenv("READS");
    n = (reads && *reads) ? strtoull(reads, NULL, 10) : STRESS_READS;

    zone = stress_zone(u);
    stress = mmap(NULL, sizeof(stress_t), PROT_READ|PROT_WRITE,
                  MAP_ANON|MAP_SHARED, -1, 0);

    if (zone == NULL || !ok(u, stress != MAP_FAILED)) {
        return;
    }

    began = unit_usec();
    deaths = stress_run(zone, n, u->log);

    unit_note("%lu reads beside %lu writes in %.1f s: %lu busy, %lu missing "
              "and said so; %u writers, %lu of them died inside a slot",
              stress->reads, stress->writes, (unit_usec() - began) / 1e6,
              stress->busy, stress->holes, deaths, stress->repaired);

    is_int(u, stress->wrong, 0);

    if (stress->wrong) {
        unit_note("%s", stress->what);

    } else {
        ok(u, stress->repaired > 0);
    }

    (void) munmap(stress, sizeof(stress_t));
    ngx_shm_free(&zone->shm_zone->shm);
}


unit_test_t  zone_stress_tests[] = {
    { "readers never see half of anything, whenever a writer dies",
      zone_stress },
    { NULL, NULL }
};
