/* Plain values that pass between modules. No invariants, no behaviour but clearing.
 *
 * Time bases: a *sample* is an absolute index at UT_RATE_HZ within one capture segment (or one file); a *frame* is
 * an index of STFT hops; wall-clock times are int64 nanoseconds since the Unix epoch, UTC (`_ns`). */
#ifndef UT_CORE_TYPES_H
#define UT_CORE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#define UT_RATE_HZ 16000

/* --- catalogue --------------------------------------------------------------------------------------- */

typedef enum { UT_ROLE_COMPOSER, UT_ROLE_AUTHOR, UT_ROLE_ARRANGER, UT_ROLE_PUBLISHER, UT_ROLE_SUBPUBLISHER } ut_role;

/* A party to a work. Strings are heap copies owned by the struct; NULL means unknown. */
typedef struct {
    char *name;
    char *ipi;     /* 9 to 11 digits, leading zeros kept */
    char *society; /* "ASCAP", "GEMA", … */
    ut_role role;
    double share; /* 0 … 1 of the work; NAN if unknown */
} ut_party;

/* A sound recording and what is known of it. Strings as in ut_party. */
typedef struct {
    int64_t id;            /* given by the store; 0 before */
    char audio_sha256[65]; /* of the decoded 16 kHz mono s16le samples: the same audio is one recording */
    char *file;            /* where it was read from */
    char *title;           /* never NULL once stored */
    char *artist;
    char *album;
    char *isrc;
    char *label;
    char *library;
    char *catalogue_no;
    char *work; /* title of the work, if it differs */
    char *iswc;
    ut_party *parties;
    size_t party_count;
    int64_t duration_ms;
    int64_t added_ns;
} ut_recording;

/* Frees what *rec owns and zeroes it. */
void ut_recording_clear(ut_recording *rec);
/* Deep copy; *out is overwritten, not cleared. */
UT_CHECK ut_status ut_recording_copy(const ut_recording *rec, ut_recording *out, ut_err *err);
/* "composer", "author", …; never NULL. */
const char *ut_role_name(ut_role role);

/* --- recognition ------------------------------------------------------------------------------------- */

typedef enum { UT_IDENTIFIED, UT_AMBIGUOUS, UT_UNIDENTIFIED } ut_outcome;
typedef enum { UT_WITNESS_NONE = 0, UT_WITNESS_MIX = 1, UT_WITNESS_MUSIC = 2, UT_WITNESS_BOTH = 3 } ut_witness;

/* One stretch of music: identified, ambiguous between recordings, or unidentified. */
typedef struct {
    ut_outcome outcome;
    ut_witness witness;   /* which of mixture and separated music carried the evidence */
    int64_t start_sample; /* programme side, half open */
    int64_t end_sample;
    int64_t recording_id; /* 0 if unidentified; the best candidate if ambiguous */
    double ref_start_s;   /* recording side */
    double ref_end_s;
    double time_scale; /* programme seconds per recording second; 1.0 = original speed */
    double log10_e;    /* log10 of the E-value: expected number of such false matches; NAN if unidentified */
    double score;      /* the raw evidence behind it, in nats */
    double music_lufs; /* integrated loudness of the stems over the stretch; NAN if not measured */
    double speech_lufs;
    double mix_lufs;
    double speech_share; /* of the stretch with speech over it, 0 … 1; NAN if not measured */
} ut_identification;

/* With the trail that is kept of it, in its byte form (fingerprint/trail.h): malloc'd, NULL for none. */
typedef struct {
    ut_identification what;
    uint8_t *trail;
    size_t trail_size;
} ut_finding;

const char *ut_outcome_name(ut_outcome outcome); /* "identified", "ambiguous", "unidentified" */
const char *ut_witness_name(ut_witness witness); /* "mix", "music", "both", "none" */

/* --- capture ----------------------------------------------------------------------------------------- */

/* A run of audio without discontinuity, anchored to wall-clock time. */
typedef struct {
    int64_t id;
    char channel[64];
    char source[512];     /* URI or path */
    int64_t start_ns;     /* UTC of sample 0 */
    int64_t sample_count; /* known when the segment ended; 0 before */
    char time_source[16]; /* "arrival", "given", "pdt", … */
    int64_t uncertainty_ms;
} ut_segment;

/* A stretch of wall-clock time in which a channel was not captured. */
typedef struct {
    char channel[64];
    int64_t start_ns;
    int64_t end_ns;
    char reason[64]; /* "no-data", "eos", "error", "overrun", "discontinuity", "format-change", "restart" … */
} ut_gap;

/* What a person, a rule, a label or a later catalogue has said about an airplay; nothing yet: final. */
typedef enum { UT_REVIEW_FINAL, UT_REVIEW_APPROVED, UT_REVIEW_CORRECTED, UT_REVIEW_REJECTED } ut_review;
typedef enum { UT_CAUSE_PERSON, UT_CAUSE_RULE, UT_CAUSE_LABEL, UT_CAUSE_REIDENTIFY } ut_cause;

const char *ut_review_name(ut_review review); /* "final", "approved", "corrected", "rejected" */
const char *ut_cause_name(ut_cause cause);    /* "person", "rule", "label", "reidentify" */

/* An identification placed on air: what the store keeps and cue sheets are made of. As its latest revision has it. */
typedef struct {
    char id[37]; /* deterministic UUID (SHA-256 of channel, start, recording), so a repeat changes nothing */
    char channel[64];
    int64_t segment_id;
    int64_t start_ns; /* UTC of the stretch */
    int64_t end_ns;
    ut_identification what;
    char engine_version[32];
    char model_hash[65]; /* "" without separation */
    char params[8];      /* "p3" */
    int64_t catalogue_version;
    int64_t revision; /* 1 as recognised, more after changes; 0 counts as 1 */
    ut_review review;
    char usage_code[8]; /* as a person set it; "" otherwise */
    /* Towards the store: the trail to keep with it, in its byte form; borrowed, NULL: none. NULL from the store. */
    const uint8_t *trail;
    size_t trail_size;
} ut_airplay;

/* A change of an airplay, and what it is from then on. Revision 1 is the airplay as it was recognised. */
typedef struct {
    ut_airplay air; /* whole, as it is after the change; air.revision is the number */
    ut_cause cause;
    int64_t cause_id; /* of the rule or the cluster; 0: none */
    char who[64];
    char why[256];
    int64_t at_ns;
} ut_revision;

/* An event on its way out. Strings are owned. */
typedef struct {
    int64_t seq;   /* outbox order, given by the store */
    char id[37];   /* deterministic: the consumer's deduplication key */
    char type[64]; /* "org.undertone.cue.identified.v1" … */
    char key[64];  /* partition key: channel id */
    int64_t time_ns;
    char *json; /* the value */
} ut_event;

void ut_event_clear(ut_event *event);

/* --- programmes -------------------------------------------------------------------------------------- */

/* How far the edges of an airing can be trusted, best first. */
typedef enum {
    UT_BOUNDARY_LOGGED,    /* by the playout that put it on air */
    UT_BOUNDARY_ANNOUNCED, /* by the stream itself while it ran */
    UT_BOUNDARY_SCHEDULED, /* planned beforehand */
    UT_BOUNDARY_GUESSED,   /* from where the next one begins */
} ut_boundary;

/* Where it is known from, best first: a better one wins where two contradict. */
typedef enum { UT_FROM_MANUAL, UT_FROM_ASRUN, UT_FROM_EIT, UT_FROM_XMLTV } ut_airing_source;

/* A programme, however often it is shown. Strings are heap copies owned by the struct; NULL means unknown. */
typedef struct {
    int64_t id; /* given by the store; 0 before */
    char *key;  /* its identity: "crid:…", "no:…" (production number), or "title:…" of its titles */
    char *title;
    char *aka;
    char *episode;
    char *episode_aka;
    char *episode_no;
    char *production_no;
    char *category;
    char *version;
    char *company;
    char *crid;
} ut_programme;

/* One showing of it. Those of a channel never overlap. */
typedef struct {
    int64_t id; /* given by the store; 0 before */
    ut_programme programme;
    char channel[64];
    int64_t start_ns;
    int64_t end_ns;
    ut_airing_source source;
    ut_boundary boundary;
} ut_airing;

void ut_airing_clear(ut_airing *airing);
UT_CHECK ut_status ut_airing_copy(const ut_airing *airing, ut_airing *out, ut_err *err);
/* Its owned strings: 0 … UT_PROGRAMME_STRINGS - 1, key and title first. */
enum { UT_PROGRAMME_STRINGS = 11 };
char **ut_programme_string(ut_programme *programme, size_t i);
const char *ut_boundary_name(ut_boundary boundary);         /* "logged", "announced", "scheduled", "guessed" */
const char *ut_airing_source_name(ut_airing_source source); /* "manual", "as-run", "eit", "xmltv" */

#endif
