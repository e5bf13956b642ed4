/* The store: what undertone knows, in domain verbs. "sqlite:PATH", or a database of a PostgreSQL
 * server: "postgresql://USER@HOST/DATABASE", "postgresql:KEY=VALUE …", "service=NAME". A handle
 * belongs to one thread; several handles and processes may share a store. Every write is one
 * transaction.
 *
 * Errors: UT_E_NOTFOUND no such store; UT_E_BUSY locked for longer than 10 s; UT_E_FULL disk full;
 * UT_E_CORRUPT damaged or of a newer schema; UT_E_IO unreadable, read-only, not a store, a server
 * that is away (err->retriable, after 10 s); UT_E_ARG a value that the store must not hold.
 *
 * A callback may read through the same handle, not write. Other than UT_OK from it ends the walk
 * and is returned. */
#ifndef UT_DB_STORE_H
#define UT_DB_STORE_H

#include "core/types.h"

typedef struct ut_store ut_store;
typedef enum { UT_STORE_READ, UT_STORE_WRITE, UT_STORE_CREATE } ut_store_mode;

/* Opens, makes (UT_STORE_CREATE, with parent folders) and migrates (not in READ) a store. */
UT_CHECK ut_status ut_store_open(const char *dsn, ut_store_mode mode, ut_store **out, ut_err *err);
void ut_store_close(ut_store **store);
/* Path of the folder that holds the index of a parameter set for this store; beside the store. */
UT_CHECK ut_status ut_store_index_path(const ut_store *store, const char *params, char *path, size_t size, ut_err *err);

/* --- catalogue ------------------------------------------------------------------------------- */

/* The catalogue version rises with every change below; by the clock (in microseconds), so that no
 * two stores come to the same one. */

/* A fingerprint in its byte form, for one parameter set. */
typedef struct {
    const char *params;
    const uint8_t *data;
    size_t size;
} ut_fingerprint_row;

/* Adds a recording with its fingerprints, or, if the same audio (audio_sha256) is there, updates
 * its metadata (fields that are NULL keep their value) and adds missing fingerprints. Sets rec->id;
 * *created says which. */
UT_CHECK ut_status ut_store_recording_put(ut_store *store, ut_recording *rec, const ut_fingerprint_row *rows,
                                          size_t row_count, bool *created, ut_err *err);
/* Id of the recording with this audio, in the catalogue or removed from it; UT_E_NOTFOUND if there
 * never was one. */
UT_CHECK ut_status ut_store_recording_find(ut_store *store, const char *audio_sha256, int64_t *id, ut_err *err);
/* UT_E_NOTFOUND if there never was one: a removed recording stays readable here, so that what was
 * on air keeps its title. *out is to be cleared by the caller. */
UT_CHECK ut_status ut_store_recording_get(ut_store *store, int64_t id, ut_recording *out, ut_err *err);
/* What the store holds of a recording besides its metadata. */
#define UT_HOLDING_SETS 8
typedef struct {
    bool removed;
    int64_t airplays;
    size_t set_count; /* parameter sets it has a fingerprint for */
    struct {
        char params[8];
        int64_t bytes;
    } sets[UT_HOLDING_SETS];
} ut_holding;
UT_CHECK ut_status ut_store_recording_holding(ut_store *store, int64_t id, ut_holding *out, ut_err *err);
/* Takes a recording out of the catalogue: its fingerprints go, it is no longer listed or
 * recognised. */
UT_CHECK ut_status ut_store_recording_remove(ut_store *store, int64_t id, ut_err *err);
/* Those of the catalogue, in order of id. */
typedef ut_status (*ut_recording_fn)(void *arg, const ut_recording *rec);
UT_CHECK ut_status ut_store_recording_each(ut_store *store, ut_recording_fn fn, void *arg, ut_err *err);
typedef ut_status (*ut_fingerprint_fn)(void *arg, int64_t recording_id, const uint8_t *data, size_t size);
UT_CHECK ut_status ut_store_fingerprint_each(ut_store *store, const char *params, ut_fingerprint_fn fn, void *arg,
                                             ut_err *err);
/* Only those of recordings that came, or came back, after the catalogue had this version. */
UT_CHECK ut_status ut_store_fingerprint_since(ut_store *store, const char *params, int64_t version,
                                              ut_fingerprint_fn fn, void *arg, ut_err *err);
/* One of them: calls fn once. UT_E_NOTFOUND if there is none. */
UT_CHECK ut_status ut_store_fingerprint_get(ut_store *store, const char *params, int64_t recording_id,
                                            ut_fingerprint_fn fn, void *arg, ut_err *err);
/* Which there are, in order of id, without reading them. added_ns tells a fingerprint from an earlier one of the same
 * recording, removed since. */
typedef ut_status (*ut_fingerprint_id_fn)(void *arg, int64_t recording_id, int64_t added_ns);
UT_CHECK ut_status ut_store_fingerprint_list(ut_store *store, const char *params, ut_fingerprint_id_fn fn, void *arg,
                                             ut_err *err);
UT_CHECK ut_status ut_store_catalogue_version(ut_store *store, int64_t *version, ut_err *err);
/* Whether a change of the catalogue was announced since the last call. Asks nobody and does not wait. A hint and no
 * more: announcements get lost, some stores make none, and the first call may say true for nothing. */
bool ut_store_catalogue_hint(ut_store *store);

/* What `catalogue add` has already read, so that a second run skips it: path, size and mtime of a
 * source file. */
UT_CHECK ut_status ut_store_source_known(ut_store *store, const char *path, int64_t size, int64_t mtime_ns,
                                         int64_t *recording_id, ut_err *err); /* UT_E_NOTFOUND: not known */
UT_CHECK ut_status ut_store_source_put(ut_store *store, const char *path, int64_t size, int64_t mtime_ns,
                                       int64_t recording_id, ut_err *err);

/* --- moving a catalogue ---------------------------------------------------------------------- */

/* Every fingerprint of a recording. */
typedef ut_status (*ut_fingerprint_row_fn)(void *arg, const ut_fingerprint_row *row);
UT_CHECK ut_status ut_store_fingerprint_of(ut_store *store, int64_t recording_id, ut_fingerprint_row_fn fn, void *arg,
                                           ut_err *err);
/* Every source of a recording, in order of the path. */
typedef struct {
    const char *path;
    int64_t size, mtime_ns;
} ut_source_row;
typedef ut_status (*ut_source_fn)(void *arg, const ut_source_row *row);
UT_CHECK ut_status ut_store_source_each(ut_store *store, int64_t recording_id, ut_source_fn fn, void *arg, ut_err *err);
/* As ut_store_recording_put and ut_store_source_put for each item, all in one transaction, and fast. No two items may
 * be of the same audio. Sets each rec->id and `created`. */
typedef struct {
    ut_recording *rec;
    const ut_fingerprint_row *rows;
    size_t row_count;
    const ut_source_row *sources;
    size_t source_count;
    bool created;
} ut_load_item;
UT_CHECK ut_status ut_store_recording_load(ut_store *store, ut_load_item *items, size_t count, ut_err *err);

/* --- all of it ------------------------------------------------------------------------------- */

typedef struct {
    int64_t recordings, fingerprints, fingerprint_bytes, catalogue_version, airplays, outbox_pending, gaps, segments;
    int64_t revisions, trails, trail_bytes;
} ut_store_stats;
UT_CHECK ut_status ut_store_describe(ut_store *store, ut_store_stats *out, ut_err *err);
/* Full integrity check of the file and its relations; UT_E_CORRUPT with the first damage found. */
UT_CHECK ut_status ut_store_verify(ut_store *store, ut_err *err);

/* --- air ------------------------------------------------------------------------------------- */

/* Sets segment->id. A segment with the same channel, source and start is the same segment. */
UT_CHECK ut_status ut_store_segment_put(ut_store *store, ut_segment *segment, ut_err *err);
UT_CHECK ut_status ut_store_segment_get(ut_store *store, int64_t segment_id, ut_segment *out, ut_err *err);
UT_CHECK ut_status ut_store_segment_end(ut_store *store, int64_t segment_id, int64_t sample_count, ut_err *err);
/* The gap and, if it is new, its event (may be NULL) in one transaction. */
UT_CHECK ut_status ut_store_gap_put(ut_store *store, const ut_gap *gap, const ut_event *event, ut_err *err);

/* How far a segment is committed: everything that ends before `resume_sample` is in the store.
 * `done` = to its end. */
typedef struct {
    int64_t resume_sample;
    bool done;
} ut_checkpoint;

/* The heart: airplays, their events (one each, same order), and the segment's checkpoint, in ONE
 * transaction. An airplay whose id is there already is left alone, with its event; a
 * new one's trail, if it has one, is kept with it. *added counts
 * the new ones. count may be 0. A checkpoint never goes back. */
UT_CHECK ut_status ut_store_airplay_put(ut_store *store, int64_t segment_id, const ut_airplay *airplays,
                                        const ut_event *events, size_t count, const ut_checkpoint *checkpoint,
                                        size_t *added, ut_err *err);
UT_CHECK ut_status ut_store_checkpoint_get(ut_store *store, int64_t segment_id, ut_checkpoint *out, ut_err *err);
/* Segments of a channel that reach into [from_ns, to_ns), in order of start_ns. A segment reaches to its sample_count
 * or its checkpoint, whichever is later; what was analysed ends at the checkpoint unless that is done. */
typedef ut_status (*ut_segment_fn)(void *arg, const ut_segment *segment, const ut_checkpoint *checkpoint);
UT_CHECK ut_status ut_store_segment_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                         ut_segment_fn fn, void *arg, ut_err *err);
/* Until when a channel is accounted for: the latest end of its gaps and of its segments captured live (time_source
 * other than "given"; one that never ended counts to its checkpoint). UT_E_NOTFOUND: never captured. */
UT_CHECK ut_status ut_store_captured_until(ut_store *store, const char *channel, int64_t *utc_ns, ut_err *err);

/* In order of start_ns, those that overlap [from_ns, to_ns), as their latest revisions have them, without the rejected.
 * channel NULL: all. */
typedef ut_status (*ut_airplay_fn)(void *arg, const ut_airplay *airplay);
UT_CHECK ut_status ut_store_airplay_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                         ut_airplay_fn fn, void *arg, ut_err *err);
typedef ut_status (*ut_gap_fn)(void *arg, const ut_gap *gap);
UT_CHECK ut_status ut_store_gap_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns, ut_gap_fn fn,
                                     void *arg, ut_err *err);

/* --- review ---------------------------------------------------------------------------------- */

/* As ut_store_airplay_each, with the rejected. */
UT_CHECK ut_status ut_store_review_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                        ut_airplay_fn fn, void *arg, ut_err *err);
/* As its latest revision has it, rejected or not; UT_E_NOTFOUND. */
UT_CHECK ut_status ut_store_airplay_get(ut_store *store, const char *id, ut_airplay *out, ut_err *err);
/* The history of an airplay, revision 1 (as recognised; who is empty) first. UT_E_NOTFOUND. */
typedef ut_status (*ut_revision_fn)(void *arg, const ut_revision *revision);
UT_CHECK ut_status ut_store_revision_each(ut_store *store, const char *airplay_id, ut_revision_fn fn, void *arg,
                                          ut_err *err);

/* What changes together. Arrays of events are parallel to what they tell of. */
typedef struct {
    const ut_revision *revisions; /* air.revision is one more than what the store has, */
    const ut_event *revision_events;
    const ut_event *review_events; /* that they were made; NULL: none */
    size_t revision_count;
    const ut_airplay *airplays; /* new ones, each of its segment_id; one that is there is left alone */
    const ut_event *airplay_events;
    size_t airplay_count;
    const int64_t *matched; /* trails that were matched against the catalogue of matched_version */
    size_t matched_count;
    int64_t matched_version;
} ut_change;
/* In one transaction. UT_E_BUSY: somebody else has revised one of them since it was read. */
UT_CHECK ut_status ut_store_change(ut_store *store, const ut_change *change, ut_err *err);

/* Trails, in order of id. */
typedef struct {
    int64_t id;
    int64_t matched_version; /* of the catalogue */
    ut_airplay air;          /* whose it is, as its latest revision has it */
    const uint8_t *data;     /* borrowed */
    size_t size;
} ut_trail_row;
typedef struct {
    const char *params;
    const char *channel;   /* NULL: all */
    int64_t after;         /* id > after */
    int64_t until_version; /* last matched before that version of the catalogue */
    int64_t since_ns;      /* of airplays that end after */
    bool unreviewed;       /* only of airplays that no person has said anything about */
    bool unknown;          /* only of airplays that are unidentified or ambiguous now, and not rejected */
    size_t limit;          /* 0: none */
} ut_trail_query;
typedef ut_status (*ut_trail_row_fn)(void *arg, const ut_trail_row *row);
UT_CHECK ut_status ut_store_trail_each(ut_store *store, const ut_trail_query *query, ut_trail_row_fn fn, void *arg,
                                       ut_err *err);
/* How many there are, and the lowest matched_version among them (INT64_MAX without any). */
UT_CHECK ut_status ut_store_trail_count(ut_store *store, const ut_trail_query *query, int64_t *count, int64_t *oldest,
                                        ut_err *err);

/* --- programmes ------------------------------------------------------------------------------ */

typedef struct {
    size_t added;     /* airings that are new, or new in their extent */
    size_t unchanged; /* there already */
    size_t replaced;  /* others that gave way, wholly or in part */
    size_t refused;   /* not taken, or only in part: a better source says otherwise */
} ut_airing_change;
/* Brings in airings of one channel from one source, sorted by start and without overlap (else UT_E_ARG); each with key
 * and title. Where they contradict what is there, the better source wins (ut_airing_source), and between equals the
 * newer; the loser keeps what is left of it if that is over a minute. All in one transaction; the same again changes
 * nothing but titles that became known. `store` may be open for reading if `dry_run`: it then only counts. */
UT_CHECK ut_status ut_store_airing_put(ut_store *store, const ut_airing *airings, size_t count, bool dry_run,
                                       ut_airing_change *change, ut_err *err);
/* Those that overlap [from_ns, to_ns), in order of start_ns and channel; channel NULL: all. */
typedef ut_status (*ut_airing_fn)(void *arg, const ut_airing *airing);
UT_CHECK ut_status ut_store_airing_each(ut_store *store, const char *channel, int64_t from_ns, int64_t to_ns,
                                        ut_airing_fn fn, void *arg, ut_err *err);
/* UT_E_NOTFOUND; *out is to be cleared by the caller. */
UT_CHECK ut_status ut_store_airing_get(ut_store *store, int64_t id, ut_airing *out, ut_err *err);
UT_CHECK ut_status ut_store_airing_remove(ut_store *store, int64_t id, ut_err *err);
/* --- unknown tunes --------------------------------------------------------------------------- */

/* Where an unknown tune was heard: a part of an airplay's trail. A cluster has the id of the airing that founded it. */
typedef struct {
    int64_t id; /* given by the store; 0 before */
    int64_t trail_id;
    int64_t cluster_id; /* 0 when put: it founds one */
    int64_t from_sample, to_sample;
    int64_t ref_from, ref_to; /* the same music in the founder; a founder's own */
    double log10_e;           /* NAN for a founder */
    char airplay_id[37];      /* read only */
} ut_hearing;
/* In one transaction. Those without an id are added and get one; of the others the samples are changed. */
UT_CHECK ut_status ut_store_hearing_put(ut_store *store, ut_hearing *airings, size_t count, ut_err *err);
/* Of a cluster, 0: of all; in order of id. */
typedef ut_status (*ut_hearing_fn)(void *arg, const ut_hearing *airing);
UT_CHECK ut_status ut_store_hearing_each(ut_store *store, int64_t cluster_id, ut_hearing_fn fn, void *arg, ut_err *err);
/* What a cluster is. get: UT_E_NOTFOUND if nobody has said. */
UT_CHECK ut_status ut_store_label_put(ut_store *store, int64_t cluster_id, int64_t recording_id, const char *who,
                                      int64_t at_ns, ut_err *err);
UT_CHECK ut_status ut_store_label_get(ut_store *store, int64_t cluster_id, int64_t *recording_id, ut_err *err);

/* --- rules ----------------------------------------------------------------------------------- */

/* Reviews cues by itself. approve: what is identified with an E-value of at most max_log10_e. ignore: rejects it. */
typedef struct {
    int64_t id; /* given by the store */
    bool ignore;
    char channel[64];     /* "": any */
    int64_t recording_id; /* 0: any */
    double max_log10_e;   /* NAN: any */
    char who[64], why[256];
    int64_t added_ns;
    int64_t removed_ns; /* 0: in force */
    char removed_by[64];
} ut_rule;
UT_CHECK ut_status ut_store_rule_put(ut_store *store, ut_rule *rule, ut_err *err);
/* UT_E_NOTFOUND: not in force. */
UT_CHECK ut_status ut_store_rule_remove(ut_store *store, int64_t id, const char *who, int64_t at_ns, ut_err *err);
/* In order of id, the removed too. */
typedef ut_status (*ut_rule_fn)(void *arg, const ut_rule *rule);
UT_CHECK ut_status ut_store_rule_each(ut_store *store, ut_rule_fn fn, void *arg, ut_err *err);

/* --- outbox ---------------------------------------------------------------------------------- */

/* Up to `capacity` oldest unacknowledged events with seq > after; each to be cleared by the caller.
 */
UT_CHECK ut_status ut_store_outbox_peek(ut_store *store, int64_t after, ut_event *events, size_t capacity, size_t *got,
                                        ut_err *err);
/* Adds events in one transaction; one whose id waits there already is left alone. *added counts the others. */
UT_CHECK ut_status ut_store_outbox_put(ut_store *store, const ut_event *events, size_t count, size_t *added,
                                       ut_err *err);
UT_CHECK ut_status ut_store_outbox_ack(ut_store *store, const int64_t *seqs, size_t count, ut_err *err);

/* --- processes on one store ------------------------------------------------------------------ */

/* A right that one process has at a time, for so long as it renews it: takes or renews it if it is free, has run out,
 * or is the owner's already. `holder` (may be NULL) tells whose it is then. By the clock of the server where there is
 * one. */
#define UT_OWNER_SIZE 128
#define UT_LEASE_CHANNEL "channel/" /* and its id: who captures it, where several may */
UT_CHECK ut_status ut_store_lease_take(ut_store *store, const char *name, const char *owner, double for_s, bool *held,
                                       char holder[UT_OWNER_SIZE], ut_err *err);
/* Gives it back, if it is the owner's. */
UT_CHECK ut_status ut_store_lease_drop(ut_store *store, const char *name, const char *owner, ut_err *err);
/* From now on what is written through this handle about a channel on air is refused (UT_E_ARG) where the lease of the
 * channel is another's: who was cut off cannot write over who took over. `owner` is copied. */
void ut_store_write_as(ut_store *store, const char *owner);

/* A process at work, for `undertone status`. */
typedef struct {
    char id[UT_OWNER_SIZE]; /* HOST:PID:START */
    char kind[16];          /* "monitor", "worker" */
    char host[65];
    int64_t pid;
    int64_t started_ns;
    double age_s; /* since its last word; set by ut_store_instance_each */
    char *state;  /* JSON, of its kind */
} ut_instance;
/* Says that it is alive, and what it does. */
UT_CHECK ut_status ut_store_instance_put(ut_store *store, const ut_instance *instance, ut_err *err);
UT_CHECK ut_status ut_store_instance_remove(ut_store *store, const char *id, ut_err *err);
/* In order of start. */
typedef ut_status (*ut_instance_fn)(void *arg, const ut_instance *instance);
UT_CHECK ut_status ut_store_instance_each(ut_store *store, ut_instance_fn fn, void *arg, ut_err *err);

#endif
