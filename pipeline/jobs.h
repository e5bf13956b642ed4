/* Jobs: recordings to replay, as messages of the topic UT_TOPIC_JOBS. Schema: configs/schemas/job.v1.json.
 *
 * A job is committed in its group once it is done, and its replay is resumable: after the death of the worker that had
 * it, another goes on from the last checkpoint in the store. */
#ifndef UT_PIPELINE_JOBS_H
#define UT_PIPELINE_JOBS_H

#include "core/config.h"
#include "core/types.h"

#define UT_TOPIC_JOBS "jobs.v1" /* key: job id */

typedef struct {
    char id[37]; /* of channel, path and start: the same job again is the same id */
    char channel[64];
    char *path; /* or URI; owned */
    int64_t start_ns;
    double duration_s; /* NAN if unknown */
} ut_job;

UT_CHECK ut_status ut_job_make(const char *channel, const char *path, int64_t start_ns, double duration_s, ut_job *out,
                               ut_err *err);
void ut_job_clear(ut_job *job);
/* *json is malloc'd. */
UT_CHECK ut_status ut_job_write(const ut_job *job, char **json, ut_err *err);
/* Never trusts its input: UT_E_CORRUPT. */
UT_CHECK ut_status ut_job_read(const void *json, size_t size, ut_job *out, ut_err *err);

/* Puts jobs into the topic and waits until the cluster has them all. `progress` (may be NULL) is told of each. */
UT_CHECK ut_status ut_jobs_submit(const ut_config *config, const ut_job *jobs, size_t count, bool (*stopped)(void),
                                  void (*progress)(void *arg), void *arg, ut_err *err);

/* A member of the group of workers. One thread, but for ut_ticket_lost. */
typedef struct ut_job_queue ut_job_queue;

/* Where a job came from. The holder gives it back with ut_job_queue_settle. */
typedef struct ut_ticket ut_ticket;

/* Joins the group. */
UT_CHECK ut_status ut_job_queue_open(const ut_config *config, const char *group, ut_job_queue **out, ut_err *err);
/* Leaves it. No ticket may be out. */
void ut_job_queue_close(ut_job_queue **queue);
/* To be called often, with want = false while there is no room for a job: then none is given. UT_E_BUSY: none. Jobs of
 * one partition come one after another. What is no job is put among the dead letters. */
UT_CHECK ut_status ut_job_queue_take(ut_job_queue *queue, bool want, int timeout_ms, ut_job *job, ut_ticket **ticket,
                                     ut_err *err);
/* The job's partition went to another worker, who has the job now: to be given up soon. Any thread. */
bool ut_ticket_lost(const ut_ticket *ticket);
typedef enum {
    UT_JOB_DONE,   /* committed: it is not given again */
    UT_JOB_FAILED, /* the same, and it is put among the dead letters with `why` */
    UT_JOB_LATER,  /* not committed: whoever gets the partition next has it again; for one who leaves, or lost it */
} ut_job_end;
UT_CHECK ut_status ut_job_queue_settle(ut_job_queue *queue, ut_ticket **ticket, const ut_job *job, ut_job_end end,
                                       const char *why, ut_err *err);
/* Partitions it has now. */
int ut_job_queue_partitions(const ut_job_queue *queue);

/* Jobs of a group that are not committed yet. */
UT_CHECK ut_status ut_jobs_waiting(const ut_config *config, const char *group, int64_t *count, ut_err *err);

#endif
