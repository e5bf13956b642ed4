#include "tests/unit/support.h"

#include "core/config.h"

static ut_status parse(const char *text, ut_config **config, ut_err *err)
{
    return ut_config_parse(text, strlen(text), "t.yaml", config, err);
}

static void defaults_hold_without_a_file(void **state)
{
    (void)state;
    ut_config *config = NULL;
    assert_int_equal(ut_config_default(&config, NULL), UT_OK);
    assert_null(config->store);
    assert_string_equal(config->separator.model, "default");
    assert_string_equal(config->recognition.params, "p3");
    assert_true(config->recognition.unidentified);
    assert_true(config->capture.retry_min_s < config->capture.retry_max_s);
    assert_int_equal(config->channel_count, 0);
    ut_config_close(&config);
    assert_null(config);
    ut_config_close(&config);
}

static void values_are_read(void **state)
{
    (void)state;
    ut_config *config = NULL;
    ut_err err = {0};
    const char *text = "# comment\n"
                       "store: sqlite:/var/x.db\n"
                       "separator: {model: none, precision: bf16}\n"
                       "capture:\n"
                       "  ring_s: 7.5\n"
                       "events:\n"
                       "  sinks: [\"jsonl:-\", jsonl:/tmp/e]\n"
                       "metrics:\n"
                       "channels:\n"
                       "  - {id: a, uri: udp://239.0.0.1:5000, program: 12, drop_centre: true}\n"
                       "  - id: b.2\n"
                       "    uri: /x y.ts\n"
                       "    language: ger\n"
                       "    timezone: UTC\n"
                       "    title:\n";
    if (parse(text, &config, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_string_equal(config->store, "sqlite:/var/x.db");
    assert_string_equal(config->separator.model, "none");
    assert_string_equal(config->separator.precision, "bf16");
    assert_string_equal(config->separator.backend, "auto");
    assert_true(config->capture.ring_s == 7.5);
    assert_int_equal(config->events.sink_count, 2);
    assert_string_equal(config->events.sinks[1], "jsonl:/tmp/e");
    assert_null(config->metrics.listen);
    assert_int_equal(config->channel_count, 2);
    assert_int_equal(config->channels[0].program, 12);
    assert_true(config->channels[0].drop_centre);
    assert_true(config->channels[1].enabled);
    assert_string_equal(config->channels[1].language, "ger");
    assert_null(config->channels[1].title);
    ut_config_close(&config);
}

static void empty_files_give_the_defaults(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# nothing\n", "---\n...\n", "channels:\n", "capture:\n# ring_s: 3\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ut_config *config = NULL;
        ut_err err = {0};
        if (parse(texts[i], &config, &err) != UT_OK)
            fail_msg("%s: %s", texts[i], err.text);
        assert_int_equal(config->channel_count, 0);
        ut_config_close(&config);
    }
}

static void errors_name_line_key_value_and_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"log_level: info\nstor: x\n", "t.yaml:2: stor: no such key; there are: store, log_level, separator"},
        {"capture:\n  ring: 3\n", "t.yaml:2: capture.ring: no such key; there are: connect_timeout_s"},
        {"\n\nlog_level: loud\n", "t.yaml:3: log_level: loud: allowed: debug|info|warn|error|off"},
        {"capture:\n  ring_s: 0.5\n", "t.yaml:2: capture.ring_s: 0.5: allowed: number 1 to 600"},
        {"capture:\n  ring_s: nan\n", "t.yaml:2: capture.ring_s: nan: allowed: number 1 to 600"},
        {"capture:\n  ring_s: 3s\n", "t.yaml:2: capture.ring_s: 3s: allowed"},
        {"capture:\n  ring_s:\n", "t.yaml:2: capture.ring_s: : allowed"},
        {"capture:\n  ring_s: [3]\n", "t.yaml:2: ring_s: needs a single value"},
        {"recognition:\n  threads: 1.5\n", "t.yaml:2: recognition.threads: 1.5: allowed: whole number 0 to 1024"},
        {"recognition:\n  unidentified: maybe\n", "t.yaml:2: recognition.unidentified: maybe: allowed: true|false"},
        {"recognition:\n  threads: 1\n  threads: 2\n", "t.yaml:3: recognition.threads: given twice"},
        {"log_level: info\nlog_level: info\n", "t.yaml:2: log_level: given twice"},
        {"metrics:\nmetrics:\n", "t.yaml:2: metrics: given twice"},
        {"metrics:\n  listen: 9464\n", "t.yaml:2: metrics.listen: 9464: allowed: ADDRESS:PORT"},
        {"metrics:\n  listen: 'x:0'\n", "t.yaml:2: metrics.listen: x:0: allowed"},
        {"events:\n  sinks: [jsonl:-, ftp://x]\n", "t.yaml:2: events.sinks: ftp://x: allowed: jsonl:PATH"},
        {"events:\n  sinks: [[a]]\n", "t.yaml:2: sinks: needs a list of single values"},
        {"channels:\n  - id: a\n", "channels: uri: missing"},
        {"channels:\n  - uri: x\n", "channels: id: missing"},
        {"channels:\n  - id: a b\n", "t.yaml:2: channels.id: a b: allowed: 1 to 63 letters"},
        {"channels:\n  - id: ''\n", "t.yaml:2: channels.id: : allowed"},
        {"channels:\n- {id: a, uri: x}\n- {id: a, uri: y}\n", "t.yaml:3: channels.id: a: given to two channels"},
        {"channels:\n- {id: a, uri: x, pid: 9000}\n", "t.yaml:2: channels.pid: 9000: allowed: whole number 0 to 8190"},
        {"channels:\n- {id: a, uri: x, timezone: Mars/Base}\n", "timezone: Mars/Base: allowed"},
        {"channels:\n- {id: a, uri: x, timezone: ../../etc/passwd}\n", "timezone: ../../etc/passwd: allowed"},
        {"channels: 3\n", "t.yaml:1: channels: needs a list"},
        {"channels:\n- 3\n", "t.yaml:2: channels: needs a list of keys with values"},
        {"capture: 3\n", "t.yaml:1: capture: needs keys with values"},
        {"- a\n", "t.yaml:1: needs keys with values"},
        {"log_level: info\n---\nlog_level: info\n", "a second document"},
        {"store: \"a\\0b\"\n", "t.yaml:1: store: holds a NUL byte"},
        {"store: &x sqlite:/a\nlog_level: *x\n", "t.yaml:2: log_level: needs a single value"},
        {"capture: {ring_s: 3\n", "t.yaml:2: not YAML"},
        {"\tstore: x\n", "t.yaml:1: not YAML"},
        {"capture: {retry_min_s: 40}\n", "t.yaml: capture.retry_min_s: 40: above retry_max_s, 30"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        ut_config *config = NULL;
        ut_err err = {0};
        if (parse(cases[i].text, &config, &err) != UT_E_ARG)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(config);
        if (!strstr(err.text, cases[i].error))
            fail_msg("%s: says: %s", cases[i].text, err.text);
    }
}

static char *dump(const ut_config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(ut_config_dump(config, out, NULL), UT_OK);
    fclose(out);
    return text;
}

static void passwords_are_never_shown(void **state)
{
    (void)state;
    static const struct {
        const char *uri, *shown;
    } cases[] = {
        {"udp://239.0.0.1:5000", "udp://239.0.0.1:5000"},
        {"rtsp://bob:hunter2@cam/1", "rtsp://bob:***@cam/1"},
        {"rtsp://bob:p@ss@cam/1", "rtsp://bob:***@cam/1"},
        {"rtsp://bob@cam:554/1", "rtsp://bob@cam:554/1"},
        {"srt://h:7?mode=caller&passphrase=secret&latency=9", "srt://h:7?mode=caller&passphrase=***&latency=9"},
        {"https://h/x.m3u8?Token=abc", "https://h/x.m3u8?Token=***"},
        {"host=h password=abc dbname=d", "host=h password=*** dbname=d"},
        {"postgresql:host=h password='a b\\'c' dbname=d", "postgresql:host=h password=*** dbname=d"},
        {"postgresql://h/d?sslpassword=abc&x=1", "postgresql://h/d?sslpassword=***&x=1"},
        {"password='open", "password=***"},
        {"https://h/x?monkey=1", "https://h/x?monkey=1"},
        {"", ""},
    };
    char buf[100];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(ut_redact(cases[i].uri, buf, sizeof buf), cases[i].shown);
    assert_string_equal(ut_redact("rtsp://bob:hunter2@cam", buf, 12), "rtsp://bob:");
    ut_err err = {0};
    ut_config *config = NULL;
    assert_int_equal(parse("store: mysql://u:hunter2@h/d\n", &config, &err), UT_E_ARG);
    assert_null(strstr(err.text, "hunter2"));
    assert_int_equal(parse("store: postgresql://u:hunter2@h/d\n", &config, &err), UT_OK);
    char *text = dump(config);
    assert_non_null(strstr(text, "postgresql://u:***@h/d"));
    free(text);
    ut_config_close(&config);
}

static void dumps_are_read_back(void **state)
{
    (void)state;
    ut_config *config = NULL, *again = NULL;
    assert_int_equal(parse("store: 'sqlite:/a \"b\\c'\nevents: {sinks: [jsonl:-]}\n"
                           "channels: [{id: x, uri: 'rtsp://u:hunter2@h'}]\n",
                           &config, NULL),
                     UT_OK);
    char *first = dump(config);
    ut_err err = {0};
    if (parse(first, &again, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_string_equal(again->store, config->store);
    char *second = dump(again);
    assert_string_equal(first, second);
    assert_null(strstr(first, "hunter2"));
    free(first);
    free(second);
    ut_config_close(&config);
    ut_config_close(&again);
}

static void the_manual_does_not_drift(void **state)
{
    (void)state;
    char *text = NULL, *page = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(ut_config_document(out, NULL), UT_OK);
    fclose(out);
    FILE *file = fopen(UT_TEST_DATA "/../docs/CONFIG.md", "r");
    assert_non_null(file);
    page = calloc(1, size + 2);
    size_t got = fread(page, 1, size + 1, file);
    fclose(file);
    if (got != size || strcmp(text, page) != 0)
        fail_msg("docs/CONFIG.md: run undertone config document > docs/CONFIG.md");
    free(text);
    free(page);
}

static void the_example_is_right(void **state)
{
    (void)state;
    ut_config *config = NULL;
    ut_err err = {0};
    if (ut_config_load(UT_TEST_DATA "/../configs/undertone.yaml", &config, &err) != UT_OK)
        fail_msg("%s", err.text);
    assert_true(config->channel_count > 0);
    ut_config_close(&config);
    assert_int_equal(ut_config_load("/nonexistent.yaml", &config, &err), UT_E_NOTFOUND);
    assert_non_null(strstr(err.text, "/nonexistent.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_without_a_file),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(empty_files_give_the_defaults),
        cmocka_unit_test(errors_name_line_key_value_and_what_is_allowed),
        cmocka_unit_test(passwords_are_never_shown),
        cmocka_unit_test(dumps_are_read_back),
        cmocka_unit_test(the_manual_does_not_drift),
        cmocka_unit_test(the_example_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
