/* The proof of the false-alarm guarantee: airtime without a single recording of the catalogue, through the tracker that
 * monitors use, for as many hours as there is patience. What every programme of it came to is a line of a journal, so
 * that a run can stop and go on; the figures are read from the journal. */
#ifndef UT_APPS_EVALUATE_FALSE_ALARMS_H
#define UT_APPS_EVALUATE_FALSE_ALARMS_H

#include <stdio.h>

#include "apps/evaluate/airtime.h"
#include "separator/separator.h"

typedef struct {
    const ut_eval_material *material; /* of one parameter set */
    const ut_model *model;            /* NULL: the mixture alone */
    const char *backend;
    ut_precision precision;
    double max_log10_e; /* 0: the tracker's default */
    uint64_t seed;
    double hours; /* to have at the end, with those that are in the journal */
    int jobs;
    const char *journal; /* file; made for what it is of (ut_alarms_key), never mixed */
} ut_alarms_plan;

/* Windows by the E-value stated for their clearest candidate: a cell is a tenth of a decade. */
enum { UT_ALARM_CELLS = 500, UT_ALARM_CELLS_PER_DECADE = 10, UT_ALARM_LOWS = 20 };
#define UT_ALARM_LOWEST (-40.0) /* log10 E where the first cell begins; what is below counts there */

/* A window or an identification that stands out. Strings are owned. */
typedef struct {
    size_t programme;
    double at_s;
    double log10_e;
    char *claimed; /* file */
    char *playing; /* file of the music there; NULL: none */
    double speed;  /* that it was played at */
    bool ambiguous;
} ut_alarm;

typedef struct {
    size_t programmes;
    double hours;
    uint64_t windows;
    uint64_t empty; /* windows without a candidate */
    uint64_t
        shared; /* windows whose candidate holds the very audio that is playing: no wrong matches, left out below */
    uint64_t cells[UT_ALARM_CELLS];
    ut_alarm *alarms; /* false identifications */
    size_t alarm_count;
    ut_alarm lows[UT_ALARM_LOWS]; /* the clearest wrong windows, clearest first */
    size_t low_count;
    double cpu_s; /* spent, all threads */
} ut_alarms_result;

/* Identifies what the figures are of: the build, the model, the material, the seed. */
UT_CHECK ut_status ut_alarms_key(const ut_alarms_plan *plan, char key[65], ut_err *err);
/* Goes on until the journal has the hours. UT_E_STOPPED on SIGINT and SIGTERM; the journal is whole then, too. */
UT_CHECK ut_status ut_alarms_run(const ut_alarms_plan *plan, ut_err *err);
/* UT_E_NOTFOUND: there is no journal. Of a line that was cut short the programme is not counted. */
UT_CHECK ut_status ut_alarms_read(const char *journal, ut_alarms_result *out, ut_err *err);
void ut_alarms_result_clear(ut_alarms_result *result);

/* Windows with a stated E-value of at most 10^log10_e, at an edge of cells. */
uint64_t ut_alarms_at_most(const ut_alarms_result *result, double log10_e);
/* 95 % bounds of the rate of such windows. Windows overlap by three quarters: only every fourth counts as a trial. */
void ut_alarms_rate(const ut_alarms_result *result, double log10_e, double *low, double *rate, double *high);
/* 95 % upper bound of false identifications an hour. */
double ut_alarms_bound_per_hour(const ut_alarms_result *result);

/* Markdown, JSON, and the calibration curve as SVG. */
UT_CHECK ut_status ut_alarms_report(FILE *out, const ut_alarms_plan *plan, const ut_alarms_result *result, bool json,
                                    ut_err *err);
UT_CHECK ut_status ut_alarms_svg(FILE *out, const ut_alarms_result *result, double max_log10_e, ut_err *err);

#endif
