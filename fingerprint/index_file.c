/* The folder of an index: `manifest`, NUMBER.segment …, `lock`. The manifest, little endian:
 *
 *     header (below)
 *     for each segment: its number, its recordings, its header's checksum, how many of them are gone (4 × u32);
 *         the decoys' last, if there are decoys
 *     places of those that are gone within their segments (u32), in the order of the segments
 *     CRC-32C of all before it
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/digest.h"
#include "core/file.h"
#include "fingerprint/index_fields.h"

typedef struct {
    char magic[8];
    char params[8];
    int64_t catalogue_version;
    uint32_t segment_count;
    uint32_t reserved;
} header;

typedef struct {
    uint32_t number;
    uint32_t tracks;
    uint32_t crc;
    uint32_t gone;
} entry;

static const char MAGIC[8] = "UTINDEX2";
static const char OLD_MAGIC[8] = "UTINDEX1"; /* a file where the folder is now */

enum { SMALL_BYTES = 64 << 20 /* read whole when opened */, MANIFEST_MAX = 1 << 30, RETRIES = 5 };

static ut_status path_of(const char *folder, const char *name, char path[PATH_MAX], ut_err *err)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return n > 0 && n < PATH_MAX ? UT_OK : ut_fail(err, UT_E_ARG, "index %.80s…: path too long", folder);
}

static ut_status segment_path(const char *folder, uint32_t number, char path[PATH_MAX], ut_err *err)
{
    char name[32];
    snprintf(name, sizeof name, "%08u.segment", number);
    return path_of(folder, name, path, err);
}

/* --- lock --------------------------------------------------------------------------------------------------- */

struct ut_index_lock {
    int fd;
};

/* Makes the folder; takes a file of an older undertone out of the way. */
static ut_status make_folder(const char *path, ut_err *err)
{
    struct stat st;
    char magic[8] = "";
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, magic, sizeof magic) : -1;
        if (fd >= 0)
            close(fd);
        if (n != (ssize_t)sizeof magic || memcmp(magic, OLD_MAGIC, sizeof magic) != 0)
            return ut_fail(err, UT_E_IO, "index %s: a file is in the way of the folder", path);
        unlink(path);
    }
    return ut_folder_make(path, err);
}

ut_status ut_index_lock_take(const char *path, ut_index_lock **out, ut_err *err)
{
    char name[PATH_MAX];
    ut_status rc = make_folder(path, err);
    if (rc == UT_OK)
        rc = path_of(path, "lock", name, err);
    if (rc != UT_OK)
        return rc;
    ut_index_lock *lock = calloc(1, sizeof *lock);
    if (!lock)
        return ut_fail(err, UT_E_NOMEM, "index %s", path);
    lock->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock->fd >= 0 && flock(lock->fd, LOCK_EX | LOCK_NB) == 0) {
        *out = lock;
        return UT_OK;
    }
    int number = errno;
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock);
    return ut_fail(err, number == EWOULDBLOCK ? UT_E_BUSY : UT_E_IO, "index %s: lock: %s", path, strerror(number));
}

void ut_index_lock_release(ut_index_lock **lock)
{
    if (!*lock)
        return;
    close((*lock)->fd); /* gives the lock back */
    free(*lock);
    *lock = NULL;
}

/* --- saving ------------------------------------------------------------------------------------------------- */

static uint32_t crc_of(const ut_index_segment *s)
{
    uint32_t crc;
    memcpy(&crc, s->memory + UT_SEGMENT_HEADER_CRC_AT, sizeof crc);
    return crc;
}

/* The number of a segment's file name; 0: it is no segment. */
static uint32_t number_of(const char *name)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(name, &end, 10);
    bool whole = name[0] >= '0' && name[0] <= '9' && errno == 0 && number <= UINT32_MAX && strcmp(end, ".segment") == 0;
    return whole ? (uint32_t)number : 0;
}

/* Numbers only rise, so that a file which the manifest names is never written over. */
static uint32_t free_number(const char *folder)
{
    uint32_t most = 0;
    const struct dirent *e;
    DIR *dir = opendir(folder);
    while (dir && (e = readdir(dir)))
        most = number_of(e->d_name) > most ? number_of(e->d_name) : most;
    if (dir)
        closedir(dir);
    return most + 1;
}

ut_status ut_index_segment_write(const char *folder, ut_index_segment **segment, ut_err *err)
{
    ut_index_segment *mapped = NULL;
    char path[PATH_MAX];
    uint32_t number = free_number(folder);
    ut_status rc = segment_path(folder, number, path, err);
    if (rc == UT_OK)
        rc = ut_segment_save(*segment, path, err);
    if (rc == UT_OK)
        rc = ut_segment_map(path, false, &mapped, err);
    if (rc != UT_OK)
        return rc;
    mapped->number = number;
    ut_segment_unref(segment);
    *segment = mapped;
    return UT_OK;
}

static ut_status save_manifest(const ut_index *x, const char *folder, ut_err *err)
{
    char path[PATH_MAX];
    size_t size = sizeof(header) + x->part_count * sizeof(entry) + x->gone_count * sizeof(uint32_t);
    uint8_t *bytes = calloc(1, size + sizeof(uint32_t));
    if (!bytes)
        return ut_fail(err, UT_E_NOMEM, "index %s: manifest", folder);
    header h = {.catalogue_version = x->catalogue_version, .segment_count = (uint32_t)x->part_count};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    strncpy(h.params, ut_params_name(x->params), sizeof h.params - 1);
    memcpy(bytes, &h, sizeof h);
    uint8_t *at = bytes + sizeof h, *places = at + x->part_count * sizeof(entry);
    for (size_t i = 0; i < x->part_count; i++, at += sizeof(entry)) {
        const ut_index_segment *s = x->parts[i].segment;
        entry e = {.number = s->number, .tracks = s->track_count, .crc = crc_of(s)};
        for (uint32_t t = 0; t < s->track_count; t++) {
            if (!x->tracks[x->parts[i].first_track + t].gone)
                continue;
            e.gone++;
            memcpy(places, &t, sizeof t);
            places += sizeof t;
        }
        memcpy(at, &e, sizeof e);
    }
    uint32_t crc = ut_crc32c(0, bytes, size);
    memcpy(bytes + size, &crc, sizeof crc);
    ut_status rc = path_of(folder, "manifest", path, err);
    if (rc == UT_OK)
        rc = ut_file_write(path, bytes, size + sizeof crc, err);
    free(bytes);
    return rc;
}

static bool in_use(const ut_index *x, uint32_t number)
{
    for (size_t i = 0; i < x->part_count; i++)
        if (x->parts[i].segment->number == number)
            return true;
    return false;
}

/* Removes segments that the index does not use, and what interrupted writers left behind. */
static void sweep(const ut_index *x, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    while (dir && (e = readdir(dir))) {
        char path[PATH_MAX];
        uint32_t number = number_of(e->d_name);
        bool left = strlen(e->d_name) > 4 && strcmp(e->d_name + strlen(e->d_name) - 4, ".tmp") == 0;
        if (((number && !in_use(x, number)) || left) && path_of(folder, e->d_name, path, NULL) == UT_OK)
            unlink(path);
    }
    if (dir)
        closedir(dir);
}

ut_status ut_index_save(ut_index *index, const char *path, ut_err *err)
{
    ut_status rc = make_folder(path, err);
    for (size_t i = 0; i < index->part_count && rc == UT_OK; i++)
        if (index->parts[i].segment->number == 0)
            rc = ut_index_segment_write(path, &index->parts[i].segment, err);
    if (rc == UT_OK)
        rc = save_manifest(index, path, err);
    if (rc == UT_OK)
        sweep(index, path);
    return rc;
}

/* --- loading ------------------------------------------------------------------------------------------------ */

/* A manifest, checked for its size and sums; borrows `bytes`. */
typedef struct {
    header h;
    const uint8_t *entries;
    const uint8_t *places;
    size_t place_count;
} manifest;

static entry entry_at(const manifest *m, size_t i)
{
    entry e;
    memcpy(&e, m->entries + i * sizeof e, sizeof e);
    return e;
}

static const char *manifest_fault(const uint8_t *bytes, size_t size, manifest *m)
{
    uint32_t crc;
    if (size < sizeof m->h + sizeof crc)
        return "not an index";
    memcpy(&m->h, bytes, sizeof m->h);
    if (memcmp(m->h.magic, MAGIC, sizeof m->h.magic) != 0)
        return "not an index";
    size -= sizeof crc;
    memcpy(&crc, bytes + size, sizeof crc);
    if (crc != ut_crc32c(0, bytes, size))
        return "checksum";
    size -= sizeof m->h;
    if (m->h.params[sizeof m->h.params - 1] != '\0' || !ut_params_find(m->h.params) ||
        m->h.segment_count > size / sizeof(entry))
        return "damaged header";
    m->entries = bytes + sizeof m->h;
    m->places = m->entries + m->h.segment_count * sizeof(entry);
    size -= m->h.segment_count * sizeof(entry);
    m->place_count = size / sizeof(uint32_t);
    uint64_t gone = 0;
    for (size_t i = 0; i < m->h.segment_count; i++)
        gone += entry_at(m, i).gone;
    return size % sizeof(uint32_t) || gone != m->place_count ? "contents do not fit together" : NULL;
}

static ut_status open_segment(const char *folder, const entry *e, const ut_params *params, bool whole,
                              ut_index_segment **out, ut_err *err)
{
    char path[PATH_MAX];
    ut_index_segment *s = NULL;
    ut_status rc = segment_path(folder, e->number, path, err);
    if (rc == UT_OK)
        rc = ut_segment_map(path, whole, &s, err);
    if (rc != UT_OK)
        return rc;
    if (s->params != params || s->track_count != e->tracks || crc_of(s) != e->crc) {
        ut_segment_unref(&s);
        return ut_fail(err, UT_E_CORRUPT, "index segment %s: not the one of the manifest", path);
    }
    s->number = e->number;
    *out = s;
    return UT_OK;
}

/* Decoys come last and alone; what is gone is there. */
static const char *part_fault(const ut_index *x, const ut_index_segment *s, bool last)
{
    bool decoys = s->track_count > 0 && s->tracks[0].recording_id == 0;
    if (x->decoys > 0 || (decoys && !last))
        return "decoys out of place";
    for (uint32_t t = 0; t < s->track_count; t++)
        if ((s->tracks[t].recording_id == 0) != decoys)
            return "decoys among recordings";
    return NULL;
}

/* Appends segment i of the manifest, whose gone recordings are at `places`. */
static ut_status load_part(ut_index *x, const char *folder, const manifest *m, size_t i, const uint8_t *places,
                           bool whole, ut_err *err)
{
    entry e = entry_at(m, i);
    ut_index_segment *s = NULL;
    ut_status rc = open_segment(folder, &e, x->params, whole, &s, err);
    if (rc != UT_OK)
        return rc;
    const char *fault = part_fault(x, s, i + 1 == m->h.segment_count);
    for (uint32_t k = 0; k < e.gone && !fault; k++) {
        uint32_t place;
        memcpy(&place, places + k * sizeof place, sizeof place);
        if (place >= s->track_count)
            fault = "gone recordings that are not there";
    }
    if (fault) {
        ut_segment_unref(&s);
        return ut_fail(err, UT_E_CORRUPT, "index %s: segment %u: %s", folder, e.number, fault);
    }
    size_t first = x->track_count;
    if ((rc = ut_index_append(x, &s, err)) != UT_OK)
        return rc;
    for (uint32_t k = 0; k < e.gone; k++) {
        uint32_t place;
        memcpy(&place, places + k * sizeof place, sizeof place);
        ut_index_drop(x, first + place);
    }
    return UT_OK;
}

/* Bytes of all segment files of the manifest, as far as they are there. */
static uint64_t folder_bytes(const char *folder, const manifest *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->h.segment_count; i++) {
        char path[PATH_MAX];
        struct stat st;
        if (segment_path(folder, entry_at(m, i).number, path, NULL) == UT_OK && stat(path, &st) == 0)
            sum += (uint64_t)st.st_size;
    }
    return sum;
}

static ut_status load_parts(ut_index *x, const char *folder, const manifest *m, ut_index_mode mode, ut_err *err)
{
    bool whole = mode == UT_INDEX_CHECK || folder_bytes(folder, m) <= SMALL_BYTES;
    const uint8_t *places = m->places;
    for (size_t i = 0; i < m->h.segment_count; i++) {
        ut_status rc = load_part(x, folder, m, i, places, whole, err);
        if (mode == UT_INDEX_SALVAGE && (rc == UT_E_CORRUPT || rc == UT_E_NOTFOUND || rc == UT_E_IO))
            x->lost++;
        else if (rc != UT_OK)
            return rc;
        places += entry_at(m, i).gone * sizeof(uint32_t);
    }
    return UT_OK;
}

static ut_status load_once(const char *path, ut_index_mode mode, ut_index **out, ut_err *err)
{
    char name[PATH_MAX], *data = NULL;
    size_t size = 0;
    manifest m;
    ut_index *x = NULL;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) /* of an older undertone, or nothing of ours: not an index now */
        return ut_fail(err, UT_E_NOTFOUND, "index %s: is a file, not a folder", path);
    ut_status rc = path_of(path, "manifest", name, err);
    if (rc == UT_OK)
        rc = ut_file_read(name, MANIFEST_MAX, &data, &size, err);
    if (rc != UT_OK)
        return rc;
    const char *fault = manifest_fault((const uint8_t *)data, size, &m);
    if (fault)
        rc = ut_fail(err, UT_E_CORRUPT, "index %s: %s", name, fault);
    if (rc == UT_OK)
        rc = ut_index_new(ut_params_find(m.h.params), m.h.catalogue_version, &x, err);
    if (rc == UT_OK)
        rc = load_parts(x, path, &m, mode, err);
    free(data);
    if (rc != UT_OK)
        ut_index_close(&x);
    else
        *out = x;
    return rc;
}

ut_status ut_index_load(const char *path, ut_index_mode mode, ut_index **out, ut_err *err)
{
    char name[PATH_MAX];
    ut_status rc = path_of(path, "manifest", name, err);
    if (rc != UT_OK)
        return rc;
    /* A writer may have put another manifest, and removed segments of the one just read. */
    for (int i = 0; i < RETRIES; i++) {
        rc = load_once(path, mode, out, err);
        if (rc != UT_E_NOTFOUND && !(rc == UT_OK && (*out)->lost > 0))
            break;
        if (access(name, R_OK) != 0)
            return rc == UT_OK ? UT_OK : ut_fail(err, UT_E_NOTFOUND, "index %s: there is none", path);
        if (rc == UT_OK && i + 1 < RETRIES)
            ut_index_close(out);
    }
    return rc == UT_E_NOTFOUND ? ut_fail(err, UT_E_CORRUPT, "index %s: a segment of the manifest is missing", path)
                               : rc;
}
