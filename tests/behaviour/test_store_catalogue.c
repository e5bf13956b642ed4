/* The catalogue half of db/store.h, over any backend. */
#include "tests/behaviour/store_fixture.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static int64_t version_of(ut_store *store)
{
    int64_t version = -1;
    assert_ok(ut_store_catalogue_version(store, &version, ERR));
    return version;
}

static void recording_comes_back_as_it_was_put(void **state)
{
    fixture *f = *state;
    ut_recording want = recording_make(3), got;
    int64_t id = recording_add(f->store, 3);
    assert_ok(ut_store_recording_get(f->store, id, &got, ERR));
    assert_int_equal(got.id, id);
    assert_string_equal(got.audio_sha256, want.audio_sha256);
    assert_string_equal(got.title, want.title);
    assert_string_equal(got.artist, want.artist);
    assert_string_equal(got.isrc, want.isrc);
    assert_string_equal(got.file, want.file);
    assert_null(got.label);
    assert_int_equal(got.duration_ms, want.duration_ms);
    assert_int_equal(got.added_ns, want.added_ns);
    assert_int_equal(got.party_count, 2);
    assert_string_equal(got.parties[0].ipi, "00017798450");
    assert_string_equal(got.parties[0].society, "PRS");
    assert_true(got.parties[0].share == 0.5);
    assert_int_equal(got.parties[1].role, UT_ROLE_PUBLISHER);
    assert_null(got.parties[1].society);
    assert_true(isnan(got.parties[1].share));
    ut_recording_clear(&got);
}

static void same_audio_is_one_recording(void **state)
{
    fixture *f = *state;
    int64_t first = recording_add(f->store, 1), version = version_of(f->store);
    assert_int_equal(recording_add(f->store, 1), first);
    assert_int_equal(version_of(f->store), version); /* nothing changed */
    assert_int_equal(stats_of(f->store).recordings, 1);
    assert_int_equal(stats_of(f->store).fingerprints, 1);
    assert_int_not_equal(recording_add(f->store, 2), first);
    assert_true(version_of(f->store) > version);
}

static void metadata_updates_and_null_keeps(void **state)
{
    fixture *f = *state;
    int64_t id = recording_add(f->store, 1), version = version_of(f->store);
    ut_recording rec = recording_make(1), got;
    bool created = true;
    rec.title = rec.isrc = rec.file = NULL;
    rec.artist = (char *)"Somebody else";
    rec.label = (char *)"Label";
    rec.party_count = 0;
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    assert_false(created);
    assert_int_equal(rec.id, id);
    assert_true(version_of(f->store) > version);
    assert_ok(ut_store_recording_get(f->store, id, &got, ERR));
    assert_string_equal(got.title, "Song 1");
    assert_string_equal(got.artist, "Somebody else");
    assert_string_equal(got.label, "Label");
    assert_string_equal(got.isrc, "GBAYE0000351");
    assert_int_equal(got.party_count, 2);
    ut_recording_clear(&got);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void parties_are_replaced_as_a_whole(void **state)
{
    fixture *f = *state;
    int64_t id = recording_add(f->store, 1), version = version_of(f->store);
    ut_recording rec = recording_make(1), got;
    ut_party one = {.name = (char *)"Cy", .role = UT_ROLE_ARRANGER, .share = 1};
    bool created;
    rec.parties = &one;
    rec.party_count = 1;
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    assert_true(version_of(f->store) > version);
    assert_ok(ut_store_recording_get(f->store, id, &got, ERR));
    assert_int_equal(got.party_count, 1);
    assert_string_equal(got.parties[0].name, "Cy");
    assert_int_equal(got.parties[0].role, UT_ROLE_ARRANGER);
    ut_recording_clear(&got);
}

typedef struct {
    int64_t ids[8];
    size_t sizes[8];
    uint8_t first[8];
    size_t count;
} seen;

static ut_status see_fingerprint(void *arg, int64_t id, const uint8_t *data, size_t size)
{
    seen *s = arg;
    assert_true(s->count < 8);
    s->ids[s->count] = id;
    s->first[s->count] = size ? data[0] : 0;
    s->sizes[s->count++] = size;
    return UT_OK;
}

static void fingerprints_by_parameter_set(void **state)
{
    fixture *f = *state;
    const uint8_t bytes[] = {9, 8, 7};
    ut_fingerprint_row rows[] = {{"p3", bytes, 3}, {"p1", bytes + 1, 2}};
    ut_recording rec = recording_make(2);
    bool created;
    int64_t one = recording_add(f->store, 1), two = recording_add(f->store, 2);
    assert_ok(ut_store_recording_put(f->store, &rec, rows, 2, &created, ERR)); /* p3 stays, p1 is added */

    seen p3 = {0}, p1 = {0}, none = {0};
    assert_ok(ut_store_fingerprint_each(f->store, "p3", see_fingerprint, &p3, ERR));
    assert_ok(ut_store_fingerprint_each(f->store, "p1", see_fingerprint, &p1, ERR));
    assert_ok(ut_store_fingerprint_each(f->store, "p2", see_fingerprint, &none, ERR));
    assert_int_equal(p3.count, 2);
    assert_int_equal(p3.ids[0], one);
    assert_int_equal(p3.ids[1], two);
    assert_int_equal(p3.first[1], 2);
    assert_int_equal(p3.sizes[1], 300);
    assert_int_equal(p1.count, 1);
    assert_int_equal(p1.ids[0], two);
    assert_int_equal(p1.first[0], 8);
    assert_int_equal(none.count, 0);

    ut_holding holding;
    assert_ok(ut_store_recording_holding(f->store, two, &holding, ERR));
    assert_int_equal(holding.set_count, 2);
    assert_string_equal(holding.sets[0].params, "p1");
    assert_int_equal(holding.sets[1].bytes, 300);
    assert_false(holding.removed);
}

static ut_status see_id(void *arg, int64_t id, int64_t added_ns)
{
    seen *s = arg;
    assert_true(s->count < 8);
    s->sizes[s->count] = (size_t)added_ns;
    s->ids[s->count++] = id;
    return UT_OK;
}

static void fingerprints_are_listed_and_read_singly(void **state)
{
    fixture *f = *state;
    int64_t one = recording_add(f->store, 1), two = recording_add(f->store, 2);
    seen listed = {0}, got = {0}, left = {0};
    assert_ok(ut_store_fingerprint_list(f->store, "p3", see_id, &listed, ERR));
    assert_int_equal(listed.count, 2);
    assert_int_equal(listed.ids[0], one);
    assert_int_equal(listed.ids[1], two);
    assert_int_equal(listed.sizes[1], recording_make(2).added_ns);
    assert_ok(ut_store_fingerprint_get(f->store, "p3", two, see_fingerprint, &got, ERR));
    assert_int_equal(got.count, 1);
    assert_int_equal(got.ids[0], two);
    assert_int_equal(ut_store_fingerprint_get(f->store, "p1", two, see_fingerprint, &got, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_recording_remove(f->store, two, ERR));
    assert_int_equal(ut_store_fingerprint_get(f->store, "p3", two, see_fingerprint, &got, ERR), UT_E_NOTFOUND);
    assert_int_equal(got.count, 1);
    assert_ok(ut_store_fingerprint_list(f->store, "p3", see_id, &left, ERR));
    assert_int_equal(left.count, 1);
    assert_ok(ut_store_fingerprint_list(f->store, "p2", see_id, &left, ERR));
    assert_int_equal(left.count, 1);
}

static ut_status count_recording(void *arg, const ut_recording *rec)
{
    assert_non_null(rec->title);
    ++*(int *)arg;
    return UT_OK;
}

static void removed_is_unlisted_but_readable_and_can_come_back(void **state)
{
    fixture *f = *state;
    int64_t id = recording_add(f->store, 1), other = recording_add(f->store, 2), known;
    ut_recording got;
    ut_holding holding;
    seen left = {0};
    int listed = 0;
    assert_ok(ut_store_source_put(f->store, "/a/1.wav", 10, 20, id, ERR));
    int64_t version = version_of(f->store);
    assert_ok(ut_store_recording_remove(f->store, id, ERR));
    assert_true(version_of(f->store) > version);
    assert_int_equal(ut_store_recording_remove(f->store, id, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_recording_each(f->store, count_recording, &listed, ERR));
    assert_int_equal(listed, 1);
    assert_ok(ut_store_fingerprint_each(f->store, "p3", see_fingerprint, &left, ERR));
    assert_int_equal(left.count, 1);
    assert_int_equal(left.ids[0], other);
    assert_int_equal(ut_store_source_known(f->store, "/a/1.wav", 10, 20, &known, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_recording_holding(f->store, id, &holding, ERR));
    assert_true(holding.removed);
    assert_int_equal(holding.set_count, 0);
    assert_ok(ut_store_recording_get(f->store, id, &got, ERR));
    assert_string_equal(got.title, "Song 1");
    ut_recording_clear(&got);
    assert_ok(ut_store_verify(f->store, ERR));

    assert_int_equal(recording_add(f->store, 1), id);
    assert_int_equal(stats_of(f->store).recordings, 2);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void sources_are_known_by_size_and_time(void **state)
{
    fixture *f = *state;
    int64_t id = recording_add(f->store, 1), known = 0;
    assert_int_equal(ut_store_source_known(f->store, "/a/1.wav", 10, 20, &known, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_source_put(f->store, "/a/1.wav", 10, 20, id, ERR));
    assert_ok(ut_store_source_known(f->store, "/a/1.wav", 10, 20, &known, ERR));
    assert_int_equal(known, id);
    assert_int_equal(ut_store_source_known(f->store, "/a/1.wav", 11, 20, &known, ERR), UT_E_NOTFOUND);
    assert_ok(ut_store_source_put(f->store, "/a/1.wav", 11, 21, id, ERR));
    assert_ok(ut_store_source_known(f->store, "/a/1.wav", 11, 21, &known, ERR));
    assert_int_equal(ut_store_source_put(f->store, "/a/2.wav", 1, 1, 999, ERR), UT_E_ARG);
    assert_ok(ut_store_verify(f->store, ERR));
}

static void what_must_not_be_held_is_refused_whole(void **state)
{
    fixture *f = *state;
    ut_recording rec = recording_make(1);
    ut_party bad = {.name = (char *)"Ann", .share = 1.5};
    bool created;
    int64_t id;
    rec.parties = &bad;
    rec.party_count = 1;
    assert_int_equal(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR), UT_E_ARG);
    assert_int_equal(ut_store_recording_find(f->store, rec.audio_sha256, &id, ERR), UT_E_NOTFOUND);
    rec = recording_make(1);
    rec.title = NULL;
    assert_int_equal(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR), UT_E_ARG);
    rec = recording_make(1);
    rec.audio_sha256[5] = 'G';
    assert_int_equal(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR), UT_E_ARG);
    assert_int_equal(stats_of(f->store).recordings, 0);
    assert_int_equal(stats_of(f->store).catalogue_version, 0);
    assert_int_equal(ut_store_recording_get(f->store, 77, &rec, ERR), UT_E_NOTFOUND);
    assert_int_equal(ut_store_recording_remove(f->store, 77, ERR), UT_E_NOTFOUND);
}

/* --- moving ------------------------------------------------------------------------------------ */

static ut_status see_row(void *arg, const ut_fingerprint_row *row)
{
    return see_fingerprint(arg, row->params[1], row->data, row->size);
}

static ut_status see_source(void *arg, const ut_source_row *row)
{
    seen *s = arg;
    assert_true(s->count < 8);
    s->ids[s->count] = row->mtime_ns;
    s->first[s->count] = (uint8_t)row->path[strlen(row->path) - 1];
    s->sizes[s->count++] = (size_t)row->size;
    return UT_OK;
}

static void many_are_loaded_at_once(void **state)
{
    fixture *f = *state;
    const uint8_t bytes[] = {9, 8, 7};
    const ut_fingerprint_row rows[] = {{"p3", bytes, 3}, {"p1", bytes + 1, 2}};
    const ut_source_row sources[] = {{"/m/b", 5, 6}, {"/m/a", 3, 4}};
    ut_recording rec[3] = {recording_make(1), recording_make(2), recording_make(3)}, got;
    ut_load_item items[3] = {{.rec = &rec[0], .rows = rows, .row_count = 2, .sources = sources, .source_count = 2},
                             {.rec = &rec[1], .rows = rows, .row_count = 1},
                             {.rec = &rec[2], .rows = rows, .row_count = 2}};
    seen fingerprints = {0}, known = {0};
    int64_t id = 0, second = recording_add(f->store, 2), third = recording_add(f->store, 3);
    rec[1].label = (char *)"Label";
    assert_ok(ut_store_recording_remove(f->store, third, ERR));
    int64_t version = version_of(f->store);
    assert_ok(ut_store_recording_load(f->store, items, 3, ERR));
    assert_true(items[0].created && !items[1].created && items[2].created);
    assert_int_equal(rec[1].id, second);
    assert_int_equal(rec[2].id, third);
    assert_true(version_of(f->store) > version);
    assert_int_equal(stats_of(f->store).recordings, 3);

    assert_ok(ut_store_recording_get(f->store, rec[0].id, &got, ERR));
    assert_string_equal(got.title, "Song 1");
    assert_int_equal(got.party_count, 2);
    assert_true(got.parties[0].share == 0.5 && isnan(got.parties[1].share));
    assert_int_equal(got.added_ns, rec[0].added_ns);
    ut_recording_clear(&got);
    assert_ok(ut_store_recording_get(f->store, second, &got, ERR));
    assert_string_equal(got.label, "Label");
    ut_recording_clear(&got);
    assert_ok(ut_store_fingerprint_of(f->store, rec[0].id, see_row, &fingerprints, ERR));
    assert_int_equal(fingerprints.count, 2); /* in order of the set */
    assert_true(fingerprints.ids[0] == '1' && fingerprints.first[0] == 8 && fingerprints.sizes[1] == 3);
    fingerprints.count = 0;
    assert_ok(ut_store_fingerprint_of(f->store, second, see_row, &fingerprints, ERR));
    assert_int_equal(fingerprints.sizes[0], 300); /* what was there stays */
    assert_ok(ut_store_source_each(f->store, rec[0].id, see_source, &known, ERR));
    assert_int_equal(known.count, 2);
    assert_true(known.first[0] == 'a' && known.sizes[0] == 3 && known.ids[0] == 4);
    assert_ok(ut_store_source_known(f->store, "/m/b", 5, 6, &id, ERR));
    assert_int_equal(id, rec[0].id);
    assert_ok(ut_store_verify(f->store, ERR));

    version = version_of(f->store);
    assert_ok(ut_store_recording_load(f->store, items, 3, ERR));
    assert_false(items[0].created || items[1].created || items[2].created);
    assert_int_equal(version_of(f->store), version);
}

/* Each role of a work has the whole to share, and no more. */
static void shares_are_of_one_work(void **state)
{
    fixture *f = *state;
    ut_recording rec = recording_make(1);
    ut_party parties[3] = {{.name = (char *)"Ann", .role = UT_ROLE_COMPOSER, .share = 0.6},
                           {.name = (char *)"Bob", .role = UT_ROLE_COMPOSER, .share = 0.5},
                           {.name = (char *)"Cy", .role = UT_ROLE_PUBLISHER, .share = 1}};
    ut_load_item item = {.rec = &rec};
    bool created;
    rec.parties = parties;
    rec.party_count = 3;
    assert_int_equal(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR), UT_E_ARG);
    assert_non_null(strstr(fixture_err.text, "whole work"));
    assert_int_equal(ut_store_recording_load(f->store, &item, 1, ERR), UT_E_ARG);
    assert_int_equal(stats_of(f->store).recordings, 0);
    parties[1].share = 0.4;
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
    parties[0].share = 0.3334;
    parties[1].share = 0.3333;
    parties[2] = (ut_party){.name = (char *)"Di", .role = UT_ROLE_COMPOSER, .share = 0.3334};
    assert_ok(ut_store_recording_put(f->store, &rec, NULL, 0, &created, ERR));
}

static void a_load_is_all_or_nothing(void **state)
{
    fixture *f = *state;
    ut_recording rec[2] = {recording_make(1), recording_make(2)};
    ut_party bad = {.name = (char *)"Ann", .share = 1.5};
    ut_load_item items[2] = {{.rec = &rec[0]}, {.rec = &rec[1]}};
    rec[1].parties = &bad;
    rec[1].party_count = 1;
    assert_int_equal(ut_store_recording_load(f->store, items, 2, ERR), UT_E_ARG);
    rec[1] = recording_make(2);
    rec[1].title = NULL;
    assert_int_equal(ut_store_recording_load(f->store, items, 2, ERR), UT_E_ARG);
    assert_int_equal(stats_of(f->store).recordings, 0);
    assert_int_equal(version_of(f->store), 0);
    rec[1] = recording_make(2);
    assert_ok(ut_store_recording_load(f->store, items, 2, ERR));
    assert_int_equal(stats_of(f->store).recordings, 2);
}

/* An announcement arrives, if the store makes any; then there is none until the next change. */
static void changes_are_announced(void **state)
{
    fixture *f = *state;
    ut_store *other = NULL;
    bool told = ut_store_catalogue_hint(f->store);
    assert_false(ut_store_catalogue_hint(f->store));
    assert_ok(ut_store_open(f->dsn, UT_STORE_WRITE, &other, ERR));
    for (int n = 1; n < 3; n++) {
        recording_add(other, n);
        told = ut_store_catalogue_hint(f->store);
        for (int i = 0; fixture_is_postgres() && !told && i < 5000; i++) {
            usleep(1000);
            told = ut_store_catalogue_hint(f->store);
        }
        assert_true(told == fixture_is_postgres());
        assert_false(ut_store_catalogue_hint(f->store));
    }
    ut_store_close(&other);
}

static ut_status stop_at_once(void *arg, const ut_recording *rec)
{
    (void)rec;
    ++*(int *)arg;
    return UT_E_STOPPED;
}

static ut_status read_within(void *arg, const ut_recording *rec)
{
    ut_recording got;
    assert_ok(ut_store_recording_get(arg, rec->id, &got, ERR));
    assert_string_equal(got.title, rec->title);
    ut_recording_clear(&got);
    return UT_OK;
}

static void walks_stop_and_nest(void **state)
{
    fixture *f = *state;
    int calls = 0;
    recording_add(f->store, 1);
    recording_add(f->store, 2);
    assert_int_equal(ut_store_recording_each(f->store, stop_at_once, &calls, ERR), UT_E_STOPPED);
    assert_int_equal(calls, 1);
    assert_ok(ut_store_recording_each(f->store, read_within, f->store, ERR));
}

static void survives_closing(void **state)
{
    fixture *f = *state;
    int64_t id = recording_add(f->store, 1);
    ut_recording got;
    ut_store_close(&f->store);
    assert_null(f->store);
    assert_ok(ut_store_open(f->dsn, UT_STORE_READ, &f->store, ERR));
    assert_ok(ut_store_recording_get(f->store, id, &got, ERR));
    ut_recording_clear(&got);
    assert_int_equal(ut_store_recording_remove(f->store, id, ERR), UT_E_IO); /* opened for reading */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(recording_comes_back_as_it_was_put),
        TEST(same_audio_is_one_recording),
        TEST(metadata_updates_and_null_keeps),
        TEST(parties_are_replaced_as_a_whole),
        TEST(fingerprints_by_parameter_set),
        TEST(fingerprints_are_listed_and_read_singly),
        TEST(removed_is_unlisted_but_readable_and_can_come_back),
        TEST(sources_are_known_by_size_and_time),
        TEST(what_must_not_be_held_is_refused_whole),
        TEST(walks_stop_and_nest),
        TEST(survives_closing),
        TEST(many_are_loaded_at_once),
        TEST(shares_are_of_one_work),
        TEST(a_load_is_all_or_nothing),
        TEST(changes_are_announced),
    };
    return cmocka_run_group_tests_name("store: catalogue", tests, NULL, NULL);
}
