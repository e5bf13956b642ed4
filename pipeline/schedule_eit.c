/* EIT present/following of a transport stream: packets to sections here, sections to events by GStreamer's library. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GST_USE_UNSTABLE_API /* mpegts has been "unstable" for ten years */
#include <gst/mpegts/mpegts.h>

#include "core/clock.h"
#include "core/text.h"
#include "pipeline/gst.h"
#include "pipeline/schedule.h"
#include "pipeline/ts_watch.h"

#define SYNC 0x47
#define PID_EIT 0x12
#define TABLE_PRESENT_FOLLOWING 0x4e
#define SECTION_MAX 4096
#define DESCRIPTOR_SHORT_EVENT 0x4d
#define DESCRIPTOR_CONTENT_IDENTIFIER 0x76
#define SERVICES_MAX 64

typedef struct {
    int service;
    int id;
    bool present; /* it was announced as running */
    ut_airing airing;
} event;

struct ut_eit {
    char channel[64];
    int service;
    uint8_t held[UT_TS_PACKET]; /* a packet cut by the end of a push */
    size_t held_size;
    uint8_t section[SECTION_MAX];
    size_t section_size; /* 0: waiting for a start */
    int counter;
    event *events;
    size_t count, capacity;
    bool news; /* since ut_eit_news was asked */
};

/* Again and again it would forget the converters of character sets that it holds. */
static void initialize(void)
{
    gst_mpegts_initialize();
}

ut_status ut_eit_open(const ut_schedule_options *options, ut_eit **out, ut_err *err)
{
    ut_status rc = ut_gst_init(err);
    if (rc != UT_OK)
        return rc;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, initialize);
    ut_eit *eit = calloc(1, sizeof *eit);
    if (!eit)
        return ut_fail(err, UT_E_NOMEM, "EIT");
    snprintf(eit->channel, sizeof eit->channel, "%s", options->channel);
    eit->service = options->service;
    eit->counter = -1;
    *out = eit;
    return UT_OK;
}

void ut_eit_close(ut_eit **eit)
{
    if (!*eit)
        return;
    for (size_t i = 0; i < (*eit)->count; i++)
        ut_airing_clear(&(*eit)->events[i].airing);
    free((*eit)->events);
    free(*eit);
    *eit = NULL;
}

/* --- events ---------------------------------------------------------------------------------- */

static bool start_read(GstDateTime *time, int64_t *utc_ns)
{
    char rfc[40];
    if (!time || !gst_date_time_has_second(time))
        return false;
    snprintf(rfc, sizeof rfc, "%04d-%02d-%02dT%02d:%02d:%02dZ", gst_date_time_get_year(time),
             gst_date_time_get_month(time), gst_date_time_get_day(time), gst_date_time_get_hour(time),
             gst_date_time_get_minute(time), (int)gst_date_time_get_second(time));
    return ut_time_parse(rfc, utc_ns, NULL) == UT_OK;
}

/* The CRID of the programme itself (TS 102 323, 12.1): type 1 or 0x31, in the descriptor and not by reference. */
static char *crid_read(const GstMpegtsDescriptor *descriptor)
{
    const uint8_t *at = descriptor->data + 2, *end = at + descriptor->length;
    while (end - at >= 2) {
        int type = at[0] >> 2, size = at[1];
        if (at[0] & 3)
            return NULL; /* by reference, in another table */
        if (end - at < 2 + size)
            return NULL;
        if ((type == 0x01 || type == 0x31) && size > 0 && !memchr(at + 2, 0, (size_t)size)) {
            char *crid = strndup((const char *)at + 2, (size_t)size);
            return crid ? ut_utf8_clean(crid) : NULL;
        }
        at += 2 + size;
    }
    return NULL;
}

static void names_read(const GstMpegtsEITEvent *from, ut_programme *p)
{
    for (guint i = 0; from->descriptors && i < from->descriptors->len; i++) {
        const GstMpegtsDescriptor *descriptor = g_ptr_array_index(from->descriptors, i);
        gchar *language = NULL, *title = NULL, *text = NULL;
        if (descriptor->tag == DESCRIPTOR_CONTENT_IDENTIFIER && !p->crid)
            p->crid = crid_read(descriptor);
        if (descriptor->tag != DESCRIPTOR_SHORT_EVENT || p->title ||
            !gst_mpegts_descriptor_parse_dvb_short_event(descriptor, &language, &title, &text))
            continue;
        if (title && *title)
            p->title = strdup(ut_utf8_clean(title));
        g_free(language);
        g_free(title);
        g_free(text);
    }
}

static event *event_find(ut_eit *eit, int service, int id, int64_t start_ns)
{
    /* Identifiers are used again, but not within half a day. */
    const int64_t near_ns = INT64_C(43200) * UT_NS_PER_S;
    for (size_t i = eit->count; i-- > 0;) {
        event *e = &eit->events[i];
        if (e->service == service && e->id == id && llabs(e->airing.start_ns - start_ns) < near_ns)
            return e;
    }
    if (eit->count == UT_SCHEDULE_MAX)
        return NULL;
    if (eit->count == eit->capacity) {
        size_t capacity = eit->capacity ? 2 * eit->capacity : 64;
        event *grown = reallocarray(eit->events, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        eit->events = grown;
        eit->capacity = capacity;
    }
    event *e = &eit->events[eit->count++];
    *e = (event){.service = service, .id = id};
    return e;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_airing(const ut_airing *a, const ut_airing *b)
{
    return a->start_ns == b->start_ns && a->end_ns == b->end_ns && a->boundary == b->boundary &&
           same_text(a->programme.title, b->programme.title) && same_text(a->programme.crid, b->programme.crid);
}

/* What is announced last counts: an accurate broadcaster moves the times of what runs late. True if it is news. */
static bool learn_event(ut_eit *eit, int service, bool present, const GstMpegtsEITEvent *from)
{
    ut_airing airing = {.source = UT_FROM_EIT};
    if (!start_read(from->start_time, &airing.start_ns) || from->duration == 0)
        return false;
    airing.end_ns = airing.start_ns + from->duration * UT_NS_PER_S;
    names_read(from, &airing.programme);
    event *e = airing.programme.title ? event_find(eit, service, from->event_id, airing.start_ns) : NULL;
    if (!e) {
        ut_airing_clear(&airing);
        return false;
    }
    e->present |= present;
    airing.boundary = e->present ? UT_BOUNDARY_ANNOUNCED : UT_BOUNDARY_SCHEDULED;
    memcpy(airing.channel, eit->channel, sizeof airing.channel);
    bool news = !same_airing(&airing, &e->airing);
    ut_airing_clear(&e->airing);
    e->airing = airing;
    return news;
}

/* --- sections -------------------------------------------------------------------------------- */

static uint32_t crc_mpeg(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 24;
        for (int k = 0; k < 8; k++)
            crc = crc << 1 ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
    }
    return crc;
}

/* The lengths inside a short event descriptor: language, name, text. */
static bool short_event_fits(const uint8_t *d, size_t size)
{
    return size >= 5 && 4 + (size_t)d[3] < size && 5 + (size_t)d[3] + d[4 + d[3]] <= size;
}

/* GStreamer 1.22 checks neither the CRC of a section that denies having one nor that descriptors end within it, and
 * then reads beyond; so every length is looked at here first. */
static bool section_fits(const uint8_t *s, size_t size)
{
    if (size < 14 + 4 || !(s[1] & 0x80) || crc_mpeg(s, size) != 0)
        return false;
    size_t end = size - 4, at = 14;
    while (at < end) {
        if (end - at < 12)
            return false;
        size_t stop = at + 12 + ((size_t)(s[at + 10] & 0x0f) << 8 | s[at + 11]);
        if (stop > end)
            return false;
        for (at += 12; at < stop; at += 2 + (size_t)s[at + 1]) {
            if (stop - at < 2 || stop - at - 2 < s[at + 1])
                return false;
            if (s[at] == DESCRIPTOR_SHORT_EVENT && !short_event_fits(s + at + 2, s[at + 1]))
                return false;
        }
    }
    return true;
}

bool ut_eit_news(ut_eit *eit)
{
    bool news = eit->news;
    eit->news = false;
    return news;
}

void ut_eit_choose(ut_eit *eit, int service)
{
    eit->service = service;
}

static void learn_section(ut_eit *eit, size_t size)
{
    if (eit->section[0] != TABLE_PRESENT_FOLLOWING || !section_fits(eit->section, size))
        return;
    GstMpegtsSection *section = gst_mpegts_section_new(PID_EIT, g_memdup2(eit->section, size), size);
    const GstMpegtsEIT *table = section ? gst_mpegts_section_get_eit(section) : NULL;
    if (table && section->current_next_indicator && (!eit->service || section->subtable_extension == eit->service))
        for (guint i = 0; i < table->events->len; i++)
            eit->news |= learn_event(eit, section->subtable_extension, section->section_number == 0,
                                     g_ptr_array_index(table->events, i));
    if (section)
        gst_mpegts_section_unref(section);
}

/* Bytes of a section; several may follow each other in one packet. */
static void take(ut_eit *eit, const uint8_t *data, size_t size, bool starts)
{
    while (size) {
        if (eit->section_size == 0 && (!starts || *data == 0xff))
            return;
        size_t want = 3;
        if (eit->section_size >= 3)
            want = 3 + (size_t)((eit->section[1] & 0x0f) << 8 | eit->section[2]);
        size_t room = want - eit->section_size, n = size < room ? size : room;
        if (want > SECTION_MAX) {
            eit->section_size = 0;
            return;
        }
        memcpy(eit->section + eit->section_size, data, n);
        eit->section_size += n;
        data += n;
        size -= n;
        if (eit->section_size < 3)
            return;
        want = 3 + (size_t)((eit->section[1] & 0x0f) << 8 | eit->section[2]);
        if (eit->section_size < want)
            continue;
        learn_section(eit, want);
        eit->section_size = 0;
    }
}

static void take_packet(ut_eit *eit, const uint8_t *p)
{
    int pid = (p[1] & 0x1f) << 8 | p[2], counter = p[3] & 0x0f;
    bool broken = (p[1] & 0x80) || (p[3] & 0xc0), has_payload = (p[3] & 0x10) != 0;
    if (pid != PID_EIT || broken || !has_payload)
        return;
    if (eit->counter >= 0 && counter == ((eit->counter - 1) & 0x0f))
        return; /* sent twice */
    if (eit->counter >= 0 && counter != eit->counter)
        eit->section_size = 0;
    eit->counter = (counter + 1) & 0x0f;
    size_t at = 4 + ((p[3] & 0x20) ? 1 + (size_t)p[4] : 0);
    if (at >= UT_TS_PACKET)
        return;
    if (!(p[1] & 0x40)) {
        take(eit, p + at, UT_TS_PACKET - at, false);
        return;
    }
    size_t pointer = p[at++];
    if (at + pointer > UT_TS_PACKET)
        return;
    if (eit->section_size)
        take(eit, p + at, pointer, false);
    eit->section_size = 0;
    take(eit, p + at + pointer, UT_TS_PACKET - at - pointer, true);
}

ut_status ut_eit_push(ut_eit *eit, const uint8_t *data, size_t size, ut_err *err)
{
    while (size) {
        if (!eit->held_size && *data != SYNC) {
            const uint8_t *sync = memchr(data, SYNC, size);
            size_t skip = sync ? (size_t)(sync - data) : size;
            data += skip;
            size -= skip;
            continue;
        }
        size_t room = UT_TS_PACKET - eit->held_size, n = size < room ? size : room;
        if (!eit->held_size && n == UT_TS_PACKET) {
            take_packet(eit, data);
        } else {
            memcpy(eit->held + eit->held_size, data, n);
            eit->held_size += n;
            if (eit->held_size == UT_TS_PACKET) {
                take_packet(eit, eit->held);
                eit->held_size = 0;
            }
        }
        data += n;
        size -= n;
    }
    if (eit->count == UT_SCHEDULE_MAX)
        return ut_fail(err, UT_E_ARG, "more than %zu events", UT_SCHEDULE_MAX);
    return UT_OK;
}

ut_status ut_eit_schedule(const ut_eit *eit, const char *name, ut_schedule *out, ut_err *err)
{
    ut_schedule schedule = {0};
    ut_status rc = UT_OK;
    for (size_t i = 0; rc == UT_OK && i < eit->count; i++) {
        const event *e = &eit->events[i];
        if (eit->service && e->service != eit->service)
            continue;
        if (!eit->service && e->service != eit->events[0].service)
            rc = ut_fail(err, UT_E_ARG, "%s: events of several services, %d and %d; say which is meant", name,
                         eit->events[0].service, e->service);
        ut_airing copy;
        if (rc == UT_OK && (rc = ut_airing_copy(&e->airing, &copy, err)) == UT_OK)
            rc = ut_schedule_add(&schedule, &copy, err);
    }
    if (rc == UT_OK && schedule.count == 0)
        rc = ut_fail(err, UT_E_ARG, "%s: announces no programme (EIT present/following) of the service", name);
    if (rc != UT_OK) {
        ut_schedule_clear(&schedule);
        return rc;
    }
    ut_schedule_finish(&schedule);
    *out = schedule;
    return UT_OK;
}
