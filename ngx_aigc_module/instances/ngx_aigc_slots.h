/*
 * instances/ngx_aigc_slots.h — what the table's part of the zone holds: the
 * slots of templates, instances and disks, and where they begin.
 */

#ifndef _NGX_AIGC_SLOTS_H_INCLUDED_
#define _NGX_AIGC_SLOTS_H_INCLUDED_

#include "ngx_aigc_gss.h"
#include "ngx_aigc_ids.h"
#include "ngx_aigc_objects.h"
#include "ngx_aigc_pod.h"
#include "ngx_aigc_reason.h"
#include "ngx_aigc_workload.h"
#include "base/ngx_aigc_strings.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_url.h"
#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_STRINGS_EACH  768      /* bytes of strings that there is room
                                           for, for each instance and its
                                           disks: some 550 are usual */
#define NGX_AIGC_STALE_TOP  60          /* s: a PVC may be this much older than
                                           the install that made it */


/* What an administrator is told of; instances/ngx_aigc_problem.h. */
typedef enum {
    NGX_AIGC_PROBLEM_COLLISION = 0,
    NGX_AIGC_PROBLEM_DISK,
    NGX_AIGC_PROBLEM_UNREADABLE,
    NGX_AIGC_PROBLEM_REMOVED,
    NGX_AIGC_PROBLEM_NO_ANNOTATION,
    NGX_AIGC_PROBLEM_WRITE_REFUSED,     /* the template's */
    NGX_AIGC_PROBLEM_NOT_CREATED,       /* its pod cannot be made */
    NGX_AIGC_PROBLEM_STUCK,             /* its pod does not end */
    NGX_AIGC_PROBLEM_STRAY,             /* a disk of nobody's */
    NGX_AIGC_PROBLEM_DISKS,             /* the template's annotation */
    NGX_AIGC_PROBLEMS
} ngx_aigc_problem_e;


typedef enum {
    NGX_AIGC_DISK_NONE = 0,             /* no PVC of this id */
    NGX_AIGC_DISK_OWNED,                /* all carry disk_owner */
    NGX_AIGC_DISK_NEW,                  /* some unstamped, of this install */
    NGX_AIGC_DISK_FOREIGN,              /* someone else's, mixed, or unknown */
    NGX_AIGC_DISK_LOST                  /* one may be missing: no room for it */
} ngx_aigc_disk_e;


/* Numbers in a reserve list that are no ids: OKG may keep them for ever. */
typedef enum {
    NGX_AIGC_STRAY_NONE = 0,
    NGX_AIGC_STRAY_SEEN,                /* to be written away */
    NGX_AIGC_STRAY_GONE,                /* … which has been done */
    NGX_AIGC_STRAY_KEPT                 /* … in vain: they are left alone */
} ngx_aigc_stray_e;


/* The cluster's last word on pods that cannot be made, of no certain one. */
typedef struct {
    unsigned                           refused:1;   /* the workload says that
                                                       there is one, now */
    ngx_aigc_fixed_t(NGX_AIGC_REASON_CODE_MAX) code;
    ngx_aigc_fixed_t(NGX_AIGC_REASON_TEXT_MAX) text;
} ngx_aigc_unmade_t;


typedef struct {
    ngx_atomic_t                       seq;
    uint32_t                           used;
    uint32_t                           mark;        /* of the last list */
    uint32_t                           workload_mark;   /* … of workloads */
    uint32_t                           workload;    /* hash of its StatefulSet's
                                                       uid; 0: unknown */
    uint32_t                           stamp;       /* of the last apply */
    uint32_t                           first;       /* record, by template */
    int64_t                            generation;
    int64_t                            observed;
    int32_t                            replicas;
    int32_t                            current;
    int32_t                            top;         /* highest id ever used */
    uint16_t                           nrunning;
    uint16_t                           nreleased;
    uint16_t                           nclaims;
    uint16_t                           naside;      /* running, set aside */
    uint16_t                           max;         /* claims it may have */
    uint16_t                           reported[NGX_AIGC_PROBLEMS]; /* n */
    in_port_t                          port;
    ngx_msec_t                         unsettled;   /* since, ngx_aigc_now();
                                                       0: settled */
    ngx_atomic_t                       lock;        /* the writer's ticket */
    ngx_atomic_t                       lock_until;  /* ngx_current_msec */
    ngx_atomic_t                       refused;     /* ngx_time() of the last
                                                       write that the API server
                                                       would not have; 0: none
                                                       since one was taken */
    int64_t                            lock_generation; /* ends earlier, once
                                                       generation is above */
    unsigned                           deleting:1;
    unsigned                           has_annotations:1;
    unsigned                           has_reserve_ids:1;
    unsigned                           reserve_exact:1; /* …is our own text */
    unsigned                           reserve_same:1;  /* …is spec's set */
    unsigned                           agrees:1;    /* spec is all the truth */
    unsigned                           partial:1;   /* claims without a record
                                                       (no room): not written */
    unsigned                           written:1;   /* by a gateway, ever: only
                                                       such a one is repaired */
    unsigned                           seamless:1;  /* running instances keep
                                                       their revision */
    unsigned                           disks_delete:1;  /* ngx_aigc_gss_t's */
    unsigned                           disks_bad:1;
    unsigned                           has_aside:1;
    unsigned                           stray:2;     /* ngx_aigc_stray_e */
    ngx_aigc_unmade_t                  unmade;
    ngx_aigc_fixed_t(NGX_AIGC_NS_MAX)  ns;
    ngx_aigc_fixed_t(NGX_AIGC_NAME_MAX) name;
    ngx_aigc_fixed_t(NGX_AIGC_UID_MAX) uid;
    ngx_aigc_fixed_t(NGX_AIGC_HOST_MAX) host;       /* with "<id>" */
    ngx_aigc_fixed_t(NGX_AIGC_WHY_MAX) misconfigured;
    ngx_aigc_fixed_t(NGX_AIGC_WHY_MAX) rolls;       /* why it is not seamless */
    ngx_aigc_fixed_t(NGX_AIGC_REVISION_MAX) revision;   /* of a new pod; len 0:
                                                       unknown */
    ngx_aigc_fixed_t(NGX_AIGC_TITLE_MAX) title;
    ngx_aigc_fixed_t(NGX_AIGC_DESCRIPTION_MAX) description;
    ngx_aigc_fixed_t(NGX_AIGC_ICON_MAX) icon;
    ngx_aigc_fixed_t(NGX_AIGC_IMAGE_MAX) image;
    ngx_aigc_fixed_t(24)               cpu;
    ngx_aigc_fixed_t(24)               memory;
    ngx_aigc_fixed_t(64)               gpu;
    ngx_aigc_fixed_t(64)               gpu_kind;
    ngx_aigc_fixed_t(24)               disk;
} ngx_aigc_template_t;


/* What an instance that should run waits for, and has no word of. */
typedef enum {
    NGX_AIGC_LACK_NONE = 0,
    NGX_AIGC_LACK_POD,
    NGX_AIGC_LACK_ADDRESS,              /* its pod is ready all the same */
    NGX_AIGC_LACK_NETWORK               /* OKG's: Service and Ingress */
} ngx_aigc_lack_e;


typedef union {
    struct sockaddr                    sockaddr;
    struct sockaddr_in                 in;
    struct sockaddr_in6                in6;
} ngx_aigc_sockaddr_t;


/*
 * A record stands in the zone as a slot, whose texts are references to the
 * store of strings, and is read as a copy, which holds them.  Both have these
 * members first.
 */
#define NGX_AIGC_RECORD_FACTS                                                 \
    ngx_atomic_t           seq;                                               \
    uint32_t               used;                                              \
    uint32_t               tmpl;        /* slot, or NONE: no GSS */           \
    uint32_t               next_key;    /* chains of the indexes */           \
    uint32_t               next_host;                                         \
    uint32_t               next_addr;                                         \
    uint32_t               next_tmpl;                                         \
    uint32_t               next_owner;                                        \
    uint32_t               first_disk;                                        \
    uint32_t               claim_stamp; /* template's, last apply */          \
    uint32_t               gs_mark;     /* of the last list */                \
    uint32_t               pod_mark;    /* likewise */                        \
    uint32_t               pod_owner;   /* hash of the uid of the             \
                                           StatefulSet that the pod           \
                                           refers to; 0: none */              \
    uint32_t               claimed;     /* number of the claim on             \
                                           addr, if in_addr */                \
    uint32_t               disk_lost;   /* list in which a disk               \
                                           found no room; 0: none */          \
    int32_t                id;                                                \
    unsigned               state:3;     /* ngx_aigc_state_e */                \
    unsigned               gs:1;        /* a GameServer is there */           \
    unsigned               gs_state:3;  /* ngx_aigc_gs_state_e */             \
    unsigned               network_ready:1;                                   \
    unsigned               routed:1;    /* addr may be used: it is            \
                                           the pod's, and nobody              \
                                           else's */                          \
    unsigned               collision:1; /* host claimed twice */              \
    unsigned               disk:3;      /* ngx_aigc_disk_e */                 \
    unsigned               disk_going:1;    /* one is deleted, or             \
                                           will be, as its GSS */             \
    unsigned               in_host:1;   /* linked in the index */             \
    unsigned               in_addr:1;   /* addr is claimed, with              \
                                           its port */                        \
    unsigned               in_owner:1;                                        \
    unsigned               keep:1;      /* the claim's */                     \
    unsigned               progress:2;  /* ngx_aigc_progress_e */             \
    unsigned               pod:1;       /* a pod is there */                  \
    unsigned               pod_deleting:1;                                    \
    unsigned               pod_ready:1;                                       \
    unsigned               pod_failed:1;                                      \
    unsigned               lack:2;      /* ngx_aigc_lack_e, … */              \
    unsigned               outdated:1;  /* it runs another revision           \
                                           than a new pod would */            \
    unsigned               lost:1;      /* its claim was removed by           \
                                           hand */                            \
    unsigned               reserved:1;  /* in spec's reserve list */          \
    unsigned               aside:1;     /* running, and set aside */          \
    unsigned               refused:1;   /* a warning says that its            \
                                           pod cannot be made */              \
    unsigned               tries:8;     /* how often that was so */           \
    time_t                 nobodys;     /* when a disk came that has          \
                                           no owner, with no claim            \
                                           of this id; 0: none; 1:            \
                                           long ago, or it is a               \
                                           stray one */                       \
    time_t                 since;                                             \
    time_t                 lack_since;  /* … from then on;                    \
                                           ngx_aigc_date() */                 \
    ngx_msec_t             pod_gone;    /* when the API server said           \
                                           that there is no pod; 0            \
                                           after any news of it */            \
    time_t                 pod_deadline;    /* when its grace ends;           \
                                           0: unknown */                      \
    time_t                 warning_time;                                      \
    socklen_t              socklen;     /* 0: no address */                   \
    ngx_aigc_sockaddr_t    addr;

/* Its texts, with their greatest length: those that decide on access, … */
#define NGX_AIGC_RECORD_ACCESS(X)                                             \
    X(address, NGX_AIGC_ADDRESS_MAX)    /* addr in words, if in_addr */       \
    X(ns, NGX_AIGC_NS_MAX)                                                    \
    X(name, NGX_AIGC_NAME_MAX)          /* of the GSS */                      \
    X(host, NGX_AIGC_HOST_MAX)                                                \
    X(owner, NGX_AIGC_SUB_MAX)          /* the claim's */

/* … all others that what is done and refused depends on, … */
#define NGX_AIGC_RECORD_STATE(X)                                              \
    X(claim_gss, NGX_AIGC_UID_MAX)                                            \
    X(raw, NGX_AIGC_ANNOTATION_MAX)                                           \
    X(disk_owner, NGX_AIGC_SUB_MAX)                                           \
    X(pod_uid, NGX_AIGC_UID_MAX)                                              \
    X(pod_start, NGX_AIGC_POD_START_MAX)

/* … and what is only told. */
#define NGX_AIGC_RECORD_TOLD(X)                                               \
    X(pod_revision, NGX_AIGC_REVISION_MAX)      /* empty: unknown */          \
    X(reason_code, NGX_AIGC_REASON_CODE_MAX)                                  \
    X(reason, NGX_AIGC_REASON_TEXT_MAX)                                       \
    X(warning_pod, NGX_AIGC_UID_MAX)            /* empty: unknown */          \
    X(warning_code, NGX_AIGC_REASON_CODE_MAX)                                 \
    X(warning, NGX_AIGC_REASON_TEXT_MAX)

#define NGX_AIGC_RECORD_TEXTS(X)                                              \
    NGX_AIGC_RECORD_ACCESS(X)                                                 \
    NGX_AIGC_RECORD_STATE(X)                                                  \
    NGX_AIGC_RECORD_TOLD(X)

#define ngx_aigc_member_slot(name, max)  ngx_aigc_string_t name;
#define ngx_aigc_member_copy(name, max)  ngx_aigc_fixed_t(max) name;


typedef struct {
    NGX_AIGC_RECORD_FACTS
    NGX_AIGC_RECORD_TEXTS(ngx_aigc_member_slot)
} ngx_aigc_record_slot_t;


typedef struct {
    NGX_AIGC_RECORD_FACTS
    NGX_AIGC_RECORD_TEXTS(ngx_aigc_member_copy)
} ngx_aigc_record_t;


/* Likewise a disk. */
#define NGX_AIGC_DISK_FACTS                                                   \
    ngx_atomic_t           seq;                                               \
    uint32_t               used;                                              \
    uint32_t               record;                                            \
    uint32_t               next_name;   /* chain of the index */              \
    uint32_t               next_disk;   /* of the record */                   \
    uint32_t               mark;                                              \
    unsigned               deleting:1;                                        \
    unsigned               has_annotations:1;                                 \
    unsigned               has_refs:1;  /* owner references, */               \
    unsigned               ref_ours:1;  /* one of them is ours, */            \
    unsigned               born:1;      /* this table saw it come:            \
                                           no list named it first */          \
    uint16_t               ref;         /* which stands there */              \
    time_t                 created;                                           \
    ngx_msec_t             deleted;     /* when the API server took           \
                                           our DELETE; 0: it has              \
                                           not */

#define NGX_AIGC_DISK_TEXTS(X)                                                \
    X(version, NGX_AIGC_VERSION_MAX)    /* resourceVersion; empty: unknown */ \
    X(stray, NGX_AIGC_UID_MAX)          /* of the GSS that made it for        \
                                           nobody */                          \
    X(ns, NGX_AIGC_NS_MAX)                                                    \
    X(name, NGX_AIGC_PVC_MAX)                                                 \
    X(uid, NGX_AIGC_UID_MAX)                                                  \
    X(ref_uid, NGX_AIGC_UID_MAX)        /* of the GSS that it goes with;      \
                                           empty: none */                     \
    X(owner, NGX_AIGC_SUB_MAX)


typedef struct {
    NGX_AIGC_DISK_FACTS
    NGX_AIGC_DISK_TEXTS(ngx_aigc_member_slot)
} ngx_aigc_disk_slot_t;


typedef struct {
    NGX_AIGC_DISK_FACTS
    NGX_AIGC_DISK_TEXTS(ngx_aigc_member_copy)
} ngx_aigc_disk_t;


/* The table's part of the zone.  Nothing is evicted from it, ever. */
typedef struct {
    uint32_t                 ntemplates;
    uint32_t                 ninstances;
    uint32_t                 ndisks;
    uint32_t                 nbuckets;  /* of each index; a power of two */
    uint32_t                 used_instances;
    uint32_t                 used_templates;
    uint32_t                 used_disks;
    uint32_t                 end_instances; /* no slot from here on was ever */
    uint32_t                 end_disks;     /* … used: the lowest are first */

    size_t                   templates; /* offsets from this struct */
    size_t                   instances;
    size_t                   disks;
    size_t                   indexes;
    size_t                   strings;   /* of instances and disks */

    ngx_atomic_t             index_seq; /* odd while a chain is changed */
    ngx_atomic_t             version;   /* grows with changes */
    ngx_atomic_t             claims;    /* on addresses, so far */
    ngx_atomic_t             holes;     /* a dead writer's slots were freed and
                                           are not listed again yet */
    ngx_atomic_t             writing;   /* set while the table is changed: what
                                           a writer died in is repaired */
    ngx_atomic_t             lost;      /* epoch in which an object found no
                                           room; 0: the table is whole */
    ngx_atomic_t             lost_disks;    /* likewise, a disk */
} ngx_aigc_table_t;


extern ngx_aigc_part_t  ngx_aigc_table_part;

#define ngx_aigc_table(zone)                                                  \
    ((ngx_aigc_table_t *) ngx_aigc_part(zone, ngx_aigc_table_part))

#define ngx_aigc_partition(zone, name, type)                                  \
    ((type *) (void *) ((u_char *) ngx_aigc_table(zone)                       \
                        + ngx_aigc_table(zone)->name))

#define ngx_aigc_templates(zone)                                              \
    ngx_aigc_partition(zone, templates, ngx_aigc_template_t)
#define ngx_aigc_records(zone)                                                \
    ngx_aigc_partition(zone, instances, ngx_aigc_record_slot_t)
#define ngx_aigc_disks(zone)                                                  \
    ngx_aigc_partition(zone, disks, ngx_aigc_disk_slot_t)
#define ngx_aigc_strings(zone)                                                \
    ngx_aigc_partition(zone, strings, ngx_aigc_strings_t)

#define ngx_aigc_slot_eq(zone, string, value)                                 \
    ngx_aigc_string_eq(ngx_aigc_strings(zone), string, value)
#define ngx_aigc_slot_get(zone, string, value)                                \
    (void) ngx_aigc_string_get(ngx_aigc_strings(zone), string, value)


#endif /* _NGX_AIGC_SLOTS_H_INCLUDED_ */
