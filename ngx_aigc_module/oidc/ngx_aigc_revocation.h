/*
 * oidc/ngx_aigc_revocation.h — the revocations of all gateways, in the zone:
 * any worker of this gateway adds one and all workers know it at once; those
 * of other gateways come from a ConfigMap.  The format of an entry is
 * described in oidc/ngx_aigc_revocation_entry.h.
 *
 * Writers take the zone's lock, readers do not.  A hash chain is changed word
 * by word, in an order that keeps it whole if a writer dies in between.
 *
 * No revocation is lost.  When the table is full, its oldest entry is dropped,
 * and its time becomes the floor: every credential that started before the
 * floor is refused.  So a full table makes some users sign in again, but lets
 * no revoked user in.
 */

#ifndef _NGX_AIGC_REVOCATION_H_INCLUDED_
#define _NGX_AIGC_REVOCATION_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_zone.h"

#include "ngx_aigc_revocation_entry.h"


#define NGX_AIGC_SUBJECT_KEY      16    /* bytes of a key that are compared */
#define NGX_AIGC_REVOCATIONS_LOCK 1024  /* entries that are visited while the
                                           lock is held once */
#define NGX_AIGC_REVOCATIONS_MADE 8     /* searches of the whole table for an
                                           entry to drop, while the lock is held
                                           once */


/*
 * The keys by which a credential can be revoked.  A key of zeros: the
 * credential has none of that kind.
 */
typedef struct {
    u_char              session[NGX_AIGC_SUBJECT_KEY];  /* our own sid */
    u_char              login[NGX_AIGC_SUBJECT_KEY];    /* the provider's sid */
    u_char              user[NGX_AIGC_SUBJECT_KEY];     /* sub */
    time_t              start;          /* when the session started; iat of a
                                           token */
} ngx_aigc_subject_t;

typedef struct {
    ngx_aigc_revocation_t  revocation;  /* its "when" 0: the slot is free */
    uint64_t               stored;      /* "when" in the ConfigMap */
    uint32_t               mark;        /* the reading in which stored was
                                           seen */
    uint32_t               next;        /* in the hash chain: slot + 1; 0:
                                           none */
} ngx_aigc_revocation_slot_t;


typedef struct {
    ngx_atomic_t      version;          /* incremented at each revocation */
    ngx_atomic_t      known;            /* 1: the ConfigMap was read once, or
                                           may not be read */
    ngx_atomic_t      floor;            /* credentials that started until then
                                           are refused */
    ngx_atomic_t      moved;            /* incremented before a slot is
                                           reused */
    ngx_aigc_seldom_t told;             /* limits the log line about a full
                                           table */
    ngx_atomic_t      begun;            /* readings of the ConfigMap that
                                           began */
    ngx_atomic_t      read;             /* the last reading that was
                                           completed */
    uint32_t          used;
    uint32_t          cursor;           /* the search for a free slot starts
                                           here */
    ngx_aigc_revocation_slot_t  slots[];
} ngx_aigc_revocations_t;


extern ngx_aigc_part_t  ngx_aigc_revocation_part;

#define ngx_aigc_revocations(zone)                                            \
    ((ngx_aigc_revocations_t *) ngx_aigc_part(zone, ngx_aigc_revocation_part))
#define ngx_aigc_revocation_slots(zone)  (ngx_aigc_revocations(zone)->slots)
#define ngx_aigc_revocations_n(zone)                                          \
    ngx_aigc_part_slots(zone, ngx_aigc_revocation_part)

/* "when" of entry r in the ConfigMap; 0: the ConfigMap does not have it. */
#define ngx_aigc_revocation_stored(zone, r)                                   \
    (((int32_t) ((r)->mark - (uint32_t) ngx_aigc_revocations(zone)->read)     \
      >= 0)                                                                   \
     ? (r)->stored : 0)


/*
 * Fills s from the texts of a credential, each of which may be empty.  NGX_OK;
 * NGX_ERROR: openssl failed.
 */
ngx_int_t ngx_aigc_subject(ngx_str_t *session, ngx_str_t *login,
    ngx_str_t *user, time_t start, ngx_aigc_subject_t *s);

/*
 * Is the credential s revoked?  NGX_OK: no; NGX_DECLINED: yes.  The answer is
 * valid while ngx_aigc_revocation_version() returns *version.  Takes no lock.
 */
ngx_int_t ngx_aigc_revocation_check(ngx_aigc_zone_t *zone,
    ngx_aigc_subject_t *s, ngx_atomic_uint_t *version);

#define ngx_aigc_revocation_version(zone)                                     \
    ((ngx_atomic_uint_t) ngx_aigc_revocations(zone)->version)

/*
 * Returns "when" of text, which is a sid or sub; 0: it is not revoked; all bits
 * set: writers were in the way, and nobody can tell.
 */
uint64_t ngx_aigc_revocation_when(ngx_aigc_zone_t *zone, ngx_str_t *text);

/*
 * 1: the ConfigMap was read once, or the cluster does not let us read it.
 * 0: nobody can tell yet who is revoked.
 */
#define ngx_aigc_revocation_known(zone)  (ngx_aigc_revocations(zone)->known)

/*
 * Why is the credential s, which is revoked?  NGX_OK: its user was suspended or
 * deleted; NGX_DECLINED: its session was ended, or the reason is unknown.
 */
ngx_int_t ngx_aigc_revocation_user_gone(ngx_aigc_zone_t *zone,
    ngx_aigc_subject_t *s);

/*
 * Revokes text, a sid or sub, as of time.  All workers know it when this
 * returns; it is written to the ConfigMap later
 * (ngx_aigc_revocation_store.h).  Takes the lock.  NGX_OK; NGX_DECLINED: it was
 * revoked before; NGX_ERROR: openssl failed.
 */
ngx_int_t ngx_aigc_revocation_put(ngx_aigc_zone_t *zone, ngx_str_t *text,
    time_t time, ngx_aigc_revocation_e reason, ngx_log_t *log);

/*
 * Has told called after each ngx_aigc_revocation_put() of this process; NULL:
 * has nothing called any more.
 */
void ngx_aigc_revocation_notify(void (*told)(void));

/*
 * Take over what the ConfigMap says, all of it at each reading, in many steps.
 * _read() begins a reading and returns its mark.  _seen() takes over the first
 * entries of list and returns how many; the caller passes the rest in a later
 * pass of the event loop.  Entries that were written to the ConfigMap have the
 * mark of the last reading that began before the write was sent (begun): a
 * later reading knows better.  _whole() completes the reading: the ConfigMap
 * does not have the entries that the reading did not name.  A reading that is
 * not completed changes nothing but the entries it named.
 * _floor() raises the floor to that of the ConfigMap.
 */
uint32_t ngx_aigc_revocation_read(ngx_aigc_zone_t *zone);
ngx_uint_t ngx_aigc_revocation_seen(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_t *list, ngx_uint_t n, uint32_t mark, ngx_log_t *log);
void ngx_aigc_revocation_whole(ngx_aigc_zone_t *zone, uint32_t mark);
void ngx_aigc_revocation_floor(ngx_aigc_zone_t *zone, time_t floor);

typedef enum {
    NGX_AIGC_REVOCATIONS_PENDING = 0,    /* since time, above the floor, not yet
                                           in the ConfigMap */
    NGX_AIGC_REVOCATIONS_PAST,           /* before time, in the ConfigMap */
    NGX_AIGC_REVOCATIONS_USER            /* of a user whose instances are to be
                                           released */
} ngx_aigc_revocations_e;

/* Copies up to max entries of that sort into list; returns their number. */
ngx_uint_t ngx_aigc_revocation_list(ngx_aigc_zone_t *zone,
    ngx_aigc_revocations_e which, time_t time, ngx_aigc_revocation_t *list,
    ngx_uint_t max);

/*
 * Notes that no instance of user, an entry of ngx_aigc_revocation_list(), runs
 * any more.  Does nothing if the user was revoked again since.
 */
void ngx_aigc_revocation_released(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_t *user);

/*
 * Returns the time until which there are n entries, the oldest ones; 0: there
 * are fewer than n, or no memory.
 */
time_t ngx_aigc_revocation_oldest(ngx_aigc_zone_t *zone, ngx_uint_t n,
    ngx_log_t *log);

/*
 * _prune() drops the entries from before time, because no session is that old
 * any more, and those at or below the floor that are not in the ConfigMap,
 * because the floor covers them.  _forget() drops the n entries of list, which
 * are no longer in the ConfigMap, unless they have changed.
 */
void ngx_aigc_revocation_prune(ngx_aigc_zone_t *zone, time_t time);
void ngx_aigc_revocation_forget(ngx_aigc_zone_t *zone,
    ngx_aigc_revocation_t *list, ngx_uint_t n);


#endif /* _NGX_AIGC_REVOCATION_H_INCLUDED_ */
