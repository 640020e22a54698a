/*
 * The public face of the reader core.
 */
#include "common/base/mem.h"
#include "lib/core/reader.h"
#include "lib/shell/driver.h"

enum { CONNECT_TIMEOUT_MS = 10000 };

struct mesos_output_reader {
    struct mesos_output_reader_options options;
    struct driver *driver;
};

static void step(void *core, const struct driver_event *event, struct driver_outbox *outbox) {
    reader_step(core, event, outbox);
}

static int64_t deadline_ms(void *core) {
    return reader_deadline_ms(core);
}

static void free_core(void *core) {
    reader_free(core);
}

static void call_back(void *owner, const struct driver_callback *callback) {
    struct mesos_output_reader *reader = owner;
    if (callback->kind == CALLBACK_OUTPUT)
        reader->options.output(reader->options.user, reader, &callback->output);
}

static const struct driver_class reader_class = {.role = "operator",
                                                 .step = step,
                                                 .deadline_ms = deadline_ms,
                                                 .free_core = free_core,
                                                 .callback = call_back};

struct mesos_output_reader *mesos_output_reader_new(const struct mesos_output_reader_options *given,
                                                    struct mesos_error *out_error) {
    struct mesos_output_reader_options options;
    struct error error = {0};
    driver_copy_sized(&options, sizeof(options), given);
    bool is_right = driver_check_masters(options.master, &error) &&
                    (options.output != NULL ||
                     fail(&error, ERROR_INVALID, "an output reader needs its callback"));
    if (!is_right) {
        driver_give_error(out_error, &error);
        return NULL;
    }
    struct mesos_output_reader *reader = NEW(struct mesos_output_reader);
    reader->options = options;
    int64_t timeout_ms =
        options.connect_timeout_ms > 0 ? options.connect_timeout_ms : CONNECT_TIMEOUT_MS;
    reader->driver =
        driver_new(&reader_class, reader_new(text_of(options.master), timeout_ms, driver_seed()),
                   reader, &error);
    if (reader->driver != NULL && driver_find_master(reader->driver, options.master, &error))
        return reader;
    driver_free(reader->driver);
    driver_give_error(out_error, &error);
    mem_free(reader);
    return NULL;
}

void mesos_output_reader_free(struct mesos_output_reader *reader) {
    if (reader == NULL)
        return;
    driver_free(reader->driver);
    mem_free(reader);
}

bool mesos_output_reader_start(struct mesos_output_reader *reader) {
    return driver_start(reader->driver) == MESOS__V1__STATUS__DRIVER_RUNNING;
}

void mesos_output_reader_stop(struct mesos_output_reader *reader) {
    driver_stop(reader->driver, false);
    driver_join(reader->driver);
}

int mesos_output_reader_fd(struct mesos_output_reader *reader) {
    return driver_fd(reader->driver);
}

int64_t mesos_output_reader_deadline_ms(struct mesos_output_reader *reader) {
    return driver_deadline_ms(reader->driver);
}

void mesos_output_reader_process(struct mesos_output_reader *reader) {
    driver_process(reader->driver);
}

uint64_t mesos_output_reader_read(struct mesos_output_reader *reader,
                                  const struct mesos_output_request *request) {
    return driver_read_output(reader->driver, request);
}

void mesos_output_reader_cancel(struct mesos_output_reader *reader, uint64_t channel) {
    driver_cancel_output(reader->driver, channel);
}

const char *mesos_output_end_name(enum mesos_output_end end) {
    switch (end) {
    case MESOS_OUTPUT_OPEN: return "OPEN";
    case MESOS_OUTPUT_COMPLETE: return "COMPLETE";
    case MESOS_OUTPUT_NOT_FOUND: return "NOT_FOUND";
    case MESOS_OUTPUT_UNAVAILABLE: return "UNAVAILABLE";
    case MESOS_OUTPUT_CANCELLED: return "CANCELLED";
    case MESOS_OUTPUT_ERROR: return "ERROR";
    }
    return "UNKNOWN";
}
